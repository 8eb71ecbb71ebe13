/** Promises that a broken invariant stops the program instead of spreading. */

/** A mistake of ours: never caught to be retried, always ends the process with its stack. */
export class Bug extends Error {
  override readonly name = 'Bug'
}

/** Throws {@link Bug} unless `condition` holds. `message` must hold no data from a cluster. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message)
}

/** Marks a switch as exhaustive at compile time; throws where outside data broke the type. */
export function unreachable(value: never): never {
  throw new Bug(`unreachable case of type ${typeof value}`)
}
