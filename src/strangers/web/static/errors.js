/** An error whose message is a sentence for the visitor; any other error is a defect of the page. */
export class UserError extends Error {}

/**
 * The message of an error. Throws it again if it is not for the visitor.
 *
 * @param {unknown} error
 */
export function explain(error) {
  if (!(error instanceof UserError)) throw error;
  return error.message;
}
