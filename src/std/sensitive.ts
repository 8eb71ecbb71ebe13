/** Holds bytes that must never be printed: every way to a string gives `[sensitive]`. */

import { inspect } from 'node:util'

const MASK = '[sensitive]'

/** A value that only {@link Sensitive.reveal} gives back; printing, JSON and template strings show a mask. */
export class Sensitive<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The value itself. Callers pass it on to a request body or a pure computation, never to text. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [inspect.custom](): string {
    return MASK
  }
}
