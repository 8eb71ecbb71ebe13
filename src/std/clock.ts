/** Time as an argument: the only file that touches timers, so that tests and simulations move time themselves. */

export interface Clock {
  /** Monotonic milliseconds; comparable only with other values of the same clock. */
  now(): number
  /** Wall-clock milliseconds since the epoch, for certificates and Lease records only. */
  wall(): number
  /** Resolves after `ms`, or at once when `signal` fires. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** Lets waiting IO run before the caller goes on. */
  breathe(): Promise<void>
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  sleep(ms, signal) {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal.addEventListener('abort', end, { once: true })
    })
  },
  breathe: () => new Promise((resolve) => void setImmediate(resolve)),
}
