/** Owns background tasks: each is started with the scope's signal, awaited at its end, and its failure ends the scope. */

/** A set of tasks with one lifetime. `spawn` never floats: `close` awaits everything that was spawned. */
export class Scope {
  readonly #controller = new AbortController()
  readonly #tasks = new Set<Promise<void>>()
  readonly signal: AbortSignal
  #failure: { readonly error: unknown } | null = null

  /** The scope ends when `parent` fires, when a task throws, or when `close` is called. */
  constructor(parent?: AbortSignal) {
    this.signal =
      parent === undefined ? this.#controller.signal : AbortSignal.any([parent, this.#controller.signal])
  }

  /** Runs `task` until it returns. A throw aborts the scope and is rethrown by `close`. */
  spawn(task: (signal: AbortSignal) => Promise<void>): void {
    const running = Promise.try(task, this.signal)
      .catch((error: unknown) => {
        this.#failure ??= { error }
        this.#controller.abort()
      })
      .finally(() => this.#tasks.delete(running))
    this.#tasks.add(running)
  }

  /** Ends the scope and waits for its tasks; rethrows the first failure. */
  async close(): Promise<void> {
    this.#controller.abort()
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
    if (this.#failure !== null) throw this.#failure.error
  }
}
