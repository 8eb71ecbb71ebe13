/** The annotations of one object, read one by one under one prefix; what does not parse is collected, never thrown. */

import type { Result } from '../../std/result.ts'
import type { Annotated } from '../eligibility.ts'
import type { Flaw } from '../policy.ts'

export class Sheet {
  readonly flaws: Flaw[] = []
  readonly remarks: Flaw[] = []
  readonly #meta: Annotated
  readonly #prefix: string

  constructor(meta: Annotated, prefix: string) {
    this.#meta = meta
    this.#prefix = prefix
  }

  text(key: string): string | undefined {
    return this.#meta.annotations[this.#prefix + key]
  }

  /** The parsed value; null if it is not given or flawed. */
  read<T>(key: string, parse: (text: string) => Result<T, string>): T | null {
    const text = this.text(key)
    return text === undefined ? null : this.take(key, parse(text))
  }

  take<T>(key: string, parsed: Result<T, string>): T | null {
    if (parsed.ok) return parsed.value
    this.flaws.push({ annotation: this.#prefix + key, reason: parsed.failure })
    return null
  }

  /** Told, and without effect. */
  remark(key: string, reason: string): void {
    this.remarks.push({ annotation: this.#prefix + key, reason })
  }

  /** A boolean of another tool: one that does not parse is told, and has the value that tool gives it. */
  foreignBoolean(key: string, parse: (text: string) => boolean | null, fallback: boolean): boolean {
    const text = this.text(key)
    const value = text === undefined ? fallback : parse(text)
    if (value === null) this.remark(key, `not a boolean; it counts as ${String(fallback)}`)
    return value ?? fallback
  }
}
