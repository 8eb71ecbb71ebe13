/**
 * Why a request did not do what was asked: the one form in which an API server's answer leaves the `kube` room.
 * Status messages and bodies can quote a Secret's data, so none is kept: only codes, reasons, kinds, names and field paths.
 */

export type Failure =
  /** 404 of the named object itself: reason NotFound, details.kind and details.name agree with the request. */
  | { readonly kind: 'absent' }
  /** 404 with details.kind `namespaces`. */
  | { readonly kind: 'namespace-absent' }
  /** 409 AlreadyExists naming the object. */
  | { readonly kind: 'exists' }
  /** 409 Conflict: a precondition (uid, resourceVersion) did not hold. */
  | { readonly kind: 'conflict' }
  /** 403 with cause NamespaceTerminating. */
  | { readonly kind: 'namespace-terminating' }
  /** 403 by quota (`exceeded quota`), told by the message's fixed prefix, which is then dropped. */
  | { readonly kind: 'quota' }
  /** 403 otherwise: rights or an admission plugin. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'unauthorized' }
  /** 422 without causes: a JSON patch's `test` did not hold. */
  | { readonly kind: 'test-failed' }
  /** 422 with causes: the object would not be valid. `fields` are paths such as `type`, `data`, `immutable`, `data[tls.crt]`. */
  | { readonly kind: 'invalid'; readonly fields: readonly string[] }
  /** 410, or an in-stream ERROR with it. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'too-large' }
  /** 429, in any wrapping. */
  | { readonly kind: 'throttled'; readonly retryAfterMs: number | null }
  | { readonly kind: 'server'; readonly code: number; readonly retryAfterMs: number | null }
  /** Any other 4xx: an admission webhook, a proxy, a form we do not know. */
  | { readonly kind: 'rejected'; readonly code: number }
  /** No answer came. After a write its outcome is unknown. */
  | { readonly kind: 'unanswered'; readonly why: 'refused' | 'reset' | 'timeout' | 'cancelled' | 'tls' }
  /** An answer came that is not what the API promises (not JSON, wrong kind, over a size bound). */
  | { readonly kind: 'malformed' }

export type FailureKind = Failure['kind']
