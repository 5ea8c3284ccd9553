/** Numbers as text. */

/** @param {number} number */
export function count(number) {
  return number.toLocaleString("en-US");
}
