/** Rules and objects for the tests of the core: the defaults of the settings, and metadata in one line. */

import assert from 'node:assert/strict'

import {
  DEFAULT_DIALECT_PREFIXES,
  DEFAULT_NEVER_CARRY,
  DEFAULT_PROTECTED_NAMESPACES,
  DEFAULT_REFUSED_KEYS,
  DEFAULT_REFUSED_NAMES,
  DEFAULT_REFUSED_TYPES,
} from '../../src/core/defaults.ts'
import type { Annotated } from '../../src/core/eligibility.ts'
import { parseGlobs } from '../../src/core/globs.ts'
import type { Globs } from '../../src/core/globs.ts'
import type { NamespaceMeta } from '../../src/core/objects.ts'
import type { ResourceVersion, Uid } from '../../src/core/names.ts'
import { FOREIGN_DIALECTS } from '../../src/core/rules.ts'
import type { Rules } from '../../src/core/rules.ts'

export const PREFIX = 'heliograph.dev/'

export function globs(text: string): Globs {
  const parsed = parseGlobs(text)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.failure)
  return parsed.value
}

function names(text: string): ReadonlySet<string> {
  return new Set(text.split(', '))
}

export const RULES: Rules = {
  prefix: PREFIX,
  kinds: ['Secret', 'ConfigMap'],
  ownNamespace: 'heliograph',
  originNamespaces: globs('*'),
  targetNamespaces: globs('*'),
  protectedNamespaces: globs(DEFAULT_PROTECTED_NAMESPACES),
  allowedNamespaces: globs(''),
  refusedTypes: names(DEFAULT_REFUSED_TYPES),
  refusedKeys: globs(DEFAULT_REFUSED_KEYS),
  refusedNames: names(DEFAULT_REFUSED_NAMES),
  neverCarry: globs(DEFAULT_NEVER_CARRY),
  consent: 'open',
  trustedOrigins: globs(''),
  mirrorsPerOriginMax: 10_000,
  bytesPerOriginMax: 1_000_000_000,
  originsPerNamespaceMax: 1_000,
  graceMs: 5_000,
  dialects: {
    read: new Set(FOREIGN_DIALECTS),
    prefixes: DEFAULT_DIALECT_PREFIXES,
    takeOver: globs(''),
    reflectorExcluded: globs(''),
  },
}

function prefixed(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [PREFIX + key, value]))
}

/** An object `shared/registry` with annotations under our prefix. */
export function annotated(
  annotations: Readonly<Record<string, string>>,
  more: Partial<Annotated> = {},
): Annotated {
  return {
    kind: 'Secret',
    namespace: 'shared',
    name: 'registry',
    labels: {},
    annotations: prefixed(annotations),
    ...more,
  }
}

/** A Namespace with annotations under our prefix. */
export function namespaceMeta(
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): NamespaceMeta {
  return {
    name,
    uid: 'u' as Uid,
    version: '1' as ResourceVersion,
    terminating: false,
    labels: {},
    annotations: prefixed(annotations),
  }
}
