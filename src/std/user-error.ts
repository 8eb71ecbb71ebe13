/** A mistake of the operator's: shown as one sentence without a stack, and the process ends with code 2. */

export class UserError extends Error {
  override readonly name = 'UserError'
}
