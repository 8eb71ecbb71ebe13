/**
 * One HTTP exchange over undici's handler interface: head and bytes are handed on as they come, without streams.
 * Handlers instead of `for await` over a body: nothing we do with a chunk waits, so a stream object's queue, promises
 * and back-pressure would only cost; order and one chunk at a time are given by the parser's synchronous calls.
 */

import type { Dispatcher } from 'undici'
import type { Failure } from '../core/failure.ts'
import { networkFailure } from './failure.ts'

export interface Receiver {
  /** The answer's code and headers; called once, before any bytes. */
  head(code: number, headers: Headers): void
  /** The next bytes; false ends the exchange. Must not wait. */
  data(chunk: Buffer): boolean
}

export type Headers = Readonly<Record<string, string | string[] | undefined>>

export type ExchangeEnd =
  | { readonly kind: 'complete' }
  /** The receiver wanted no more. */
  | { readonly kind: 'stopped' }
  | { readonly kind: 'broken'; readonly why: Extract<Failure, { kind: 'unanswered' }>['why'] }

/** What ends an exchange from our side: the caller's signal, or a deadline. */
export type CancelReason = 'cancelled' | 'timeout'

/**
 * Runs one exchange. Resolves as soon as it is over or `cancel` fires (with the {@link CancelReason} as its reason);
 * a request that is still queued then is never sent. Rejects only when `receiver` throws, which is a bug of ours.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  receiver: Receiver,
  cancel: AbortSignal,
): Promise<ExchangeEnd> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null
    let settled = false
    const settle = (act: () => void): void => {
      if (settled) return
      settled = true
      cancel.removeEventListener('abort', onCancel)
      act()
    }
    const end = (how: ExchangeEnd): void => settle(() => resolve(how))
    const abort = (): void => controller?.abort(new Error('exchange ended'))
    const onCancel = (): void => {
      end({ kind: 'broken', why: cancel.reason === 'timeout' ? 'timeout' : 'cancelled' })
      abort()
    }
    const guarded = (act: () => boolean): void => {
      if (settled) return
      try {
        if (act()) return
        end({ kind: 'stopped' })
      } catch (error: unknown) {
        settle(() => reject(error))
      }
      abort()
    }
    if (cancel.aborted) return onCancel()
    cancel.addEventListener('abort', onCancel, { once: true })
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started
        if (settled) abort()
      },
      onResponseStart(_controller, code, headers) {
        if (code < 200) return
        guarded(() => {
          receiver.head(code, headers)
          return true
        })
      },
      onResponseData: (_controller, chunk) => guarded(() => receiver.data(chunk)),
      onResponseEnd: () => end({ kind: 'complete' }),
      onResponseError: (_controller, error) => end({ kind: 'broken', why: networkFailure(error) }),
    }
    try {
      dispatcher.dispatch(request, handler)
    } catch (error: unknown) {
      settle(() => reject(error))
    }
  })
}
