/** An error whose message is a sentence for the visitor; any other error is a defect of the page. */
export class UserError extends Error {}

/** The visitor gave no token. */
export class AccessError extends UserError {}
