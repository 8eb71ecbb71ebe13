/** What the administrator decided: the part of the settings that the pure core reads. */

import type { Globs } from './globs.ts'
import type { Kind } from './names.ts'

/** Whose vocabularies are read beside our own. */
export const FOREIGN_DIALECTS = ['reflector', 'replicator', 'kubed', 'sync'] as const
export type ForeignDialect = (typeof FOREIGN_DIALECTS)[number]

/** What the administrator decided about the vocabularies of other tools. */
export interface DialectRules {
  readonly read: ReadonlySet<ForeignDialect>
  /** What each one's keys begin with, slash included. */
  readonly prefixes: Readonly<Record<ForeignDialect, string>>
  /** Globs over `namespace/name` of replicator origins that may merge into objects they did not make. */
  readonly takeOver: Globs
  /** Namespaces whose objects reflector's keys mean nothing on. */
  readonly reflectorExcluded: Globs
}

export interface Rules {
  /** Annotation prefix with its slash, `heliograph.dev/`. */
  readonly prefix: string
  readonly kinds: readonly Kind[]
  /** The controller's own namespace: protected, and what belongs to it there is never an origin. */
  readonly ownNamespace: string
  /** Namespaces whose objects may be origins. */
  readonly originNamespaces: Globs
  /** Namespaces that may receive mirrors. */
  readonly targetNamespaces: Globs
  /** Never a target (own namespace included by the parser of the settings)… */
  readonly protectedNamespaces: Globs
  /** …unless listed here. */
  readonly allowedNamespaces: Globs
  readonly refusedTypes: ReadonlySet<string>
  /** Label and annotation keys that make other software trust an object: never given to a mirror. */
  readonly refusedKeys: Globs
  /** `ConfigMap/kube-root-ca.crt`: names that the platform writes itself. */
  readonly refusedNames: ReadonlySet<string>
  /** Label and annotation keys that `carry` leaves out. */
  readonly neverCarry: Globs
  /** `open`: whoever may write an origin may offer it; `required`: only namespaces with a matching `accept` receive anything. */
  readonly consent: 'open' | 'required'
  /** Globs over `namespace/name` of origins that displace a holder. */
  readonly trustedOrigins: Globs
  readonly mirrorsPerOriginMax: number
  /** Bytes of an origin times its mirrors. */
  readonly bytesPerOriginMax: number
  readonly originsPerNamespaceMax: number
  readonly graceMs: number
  readonly dialects: DialectRules
}
