/** Waits for the person at the terminal. */

/** Resolves at SIGINT or SIGTERM; until then the process stays. */
export function untilInterrupted(): Promise<void> {
  return new Promise((resolve) => {
    const stay = setInterval(() => {}, 60_000)
    const end = (): void => {
      clearInterval(stay)
      resolve()
    }
    process.once('SIGINT', end).once('SIGTERM', end)
  })
}
