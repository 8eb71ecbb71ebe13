/** The dialect of kubed and config-syncer: its keys and marks. */

import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import type { NamePatterns, NamespaceChoice } from '../choice.ts'
import { isLabelValue, isNamespaceName, isObjectName } from '../names.ts'
import type { ToolMarks } from '../policy.ts'
import { parseKubernetesSelector } from '../patterns/selectors.ts'
import { NO_OFFER } from './dialect.ts'
import type { Dialect } from './dialect.ts'

/** Names of contexts in one list. */
const CONTEXTS_MAX = 1_024
/** Characters of the mark `origin`: an object reference has a few hundred. */
const REFERENCE_LENGTH_MAX = 4_096

export const kubed: Dialect = {
  name: 'kubed',
  prefix: ({ dialects }) => (dialects.read.has('kubed') ? dialects.prefixes.kubed : null),
  claimingKeys: ['sync', 'sync-contexts'],
  read(_, sheet, { dialects }) {
    return {
      ...NO_OFFER,
      push: sheet.read('sync', parseSync),
      targets: sheet.read('sync-contexts', parseContexts),
      copies: 'metadata',
      toolMarks: marksUnder(dialects.prefixes.kubed),
    }
  },
  ask: () => null,
  left(meta, prefix) {
    const origin = parseReference(meta.annotations[`${prefix}origin`])
    if (origin === null || (origin.kind !== null && origin.kind !== meta.kind)) return null
    // It made copies of the origin's name only, and none beside the origin.
    if (origin.name !== meta.name || origin.namespace === meta.namespace) return null
    const { namespace, name, uid } = origin
    const from = { kind: meta.kind, namespace, name }
    return { tool: 'kubed', origin: from, isCollectable: false, keys: null, uid }
  },
  markKeys: { labels: ['origin.name', 'origin.namespace', 'origin.cluster'], annotations: ['origin'] },
}

/** Blank or `true`: every namespace; `false`: off; else a label selector. */
function parseSync(text: string): Result<NamespaceChoice | null, string> {
  const word = text.trim()
  if (word === '' || word === 'true') return ok([])
  if (word === 'false') return ok(null)
  const labels = parseKubernetesSelector(word)
  return labels.ok ? ok([{ names: null, labels: labels.value }]) : labels
}

/** Contexts are peers by name, exactly. */
function parseContexts(text: string): Result<NamePatterns, string> {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  if (names.length > CONTEXTS_MAX) return failed(`a list may hold at most ${CONTEXTS_MAX} contexts`)
  const known = new Set(names)
  return ok({ matches: (name) => known.has(name) })
}

interface Reference {
  /** Null: not written. */
  readonly kind: string | null
  readonly namespace: string
  readonly name: string
  /** Null: not written. */
  readonly uid: string | null
}

function parseReference(text: string | undefined): Reference | null {
  if (text === undefined || text.length > REFERENCE_LENGTH_MAX) return null
  const { kind, namespace, name, uid } = jsonObject(text)
  if (typeof namespace !== 'string' || typeof name !== 'string') return null
  if (!isNamespaceName(namespace) || !isObjectName(name)) return null
  const given = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
  return { kind: given(kind), namespace, name, uid: given(uid) }
}

function jsonObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    return {}
  }
}

/** A JSON ObjectReference, its fields in the order in which Go writes them. A name that no label can hold is left out of the labels. */
function marksUnder(prefix: string): ToolMarks {
  return {
    onCopy({ origin: { kind, namespace, name, uid, version: resourceVersion } }) {
      const reference = { kind, namespace, name, uid, apiVersion: 'v1', resourceVersion }
      const labels = {
        ...(isLabelValue(name) ? { [`${prefix}origin.name`]: name } : {}),
        [`${prefix}origin.namespace`]: namespace,
        [`${prefix}origin.cluster`]: '',
      }
      return { labels, annotations: { [`${prefix}origin`]: JSON.stringify(reference) } }
    },
    isBlanked: () => false,
  }
}
