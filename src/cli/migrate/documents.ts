/** Reads a scene from a stream of YAML or JSON documents: metadata, type and images are looked at, everything else is dropped unread. */

import { parseAllDocuments } from 'yaml'

import type { Rules } from '../../core/rules.ts'
import { isRecord } from '../../kube/json.ts'
import type { Json } from '../../kube/json.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import type { Sensitive } from '../../std/sensitive.ts'
import { difference } from './differences.ts'
import { emptyScene, takeNamespace, takeObject, takeOther, takeWorkload } from './scene.ts'
import type { Scene, SceneDraft } from './scene.ts'

/** Bytes of the stream. */
export const STREAM_BYTES_MAX = 256 * 1024 * 1024
/** Lists within lists. */
const NESTING_MAX = 4
const ALIASES_MAX = 1_000

/** The failure is one sentence for a terminal. Parser messages quote the text and are never passed on. */
export function readDocuments(text: Sensitive<string>, rules: Rules): Result<Scene, string> {
  const roots = parse(text.reveal())
  // What was to fill the pipe may have failed: no objects must not read as nothing to look at.
  if (roots.length === 0) return failed('There is no document in the stream.')
  const draft = emptyScene(rules)
  let unread = 0
  for (const root of roots) unread += root === null ? 1 : take(draft, root, 0)
  if (draft.isOverfull) return failed('The stream holds more objects than a report can cover.')
  if (unread > 0)
    draft.unread.push(difference('not-read', { what: `Documents or objects (${unread})`, why: 'malformed' }))
  noteMissing(draft)
  draft.identity = draft.namespaces.get('kube-system')?.uid ?? ''
  return ok(draft)
}

/** Null stands for a document that cannot be read. */
function parse(text: string): readonly unknown[] {
  const json = parseJsonText(text)
  if (json !== undefined) return [json]
  try {
    const documents = parseAllDocuments(text, { logLevel: 'silent', prettyErrors: false, uniqueKeys: false })
    return [...documents].flatMap((document): readonly unknown[] => {
      if (document.errors.length > 0) return [null]
      const root: unknown = document.toJS({ maxAliasCount: ALIASES_MAX })
      // An empty document, such as one before the first dashes, says nothing.
      return root === null ? [] : [root]
    })
  } catch {
    return [null]
  }
}

/** JSON is YAML, and a hundred times faster as itself. Undefined: it is not one JSON text. */
function parseJsonText(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Answers how many objects could not be read. */
function take(draft: SceneDraft, root: unknown, depth: number): number {
  if (!isRecord(root) || typeof root['kind'] !== 'string') return 1
  const { kind, items } = root
  if (kind.endsWith('List') && Array.isArray(items)) {
    if (depth === NESTING_MAX) return 1
    return items.reduce((sum: number, item) => sum + take(draft, withKind(item, kind), depth + 1), 0)
  }
  return takeOne(draft, kind, withPlaceholders(root, kind)) ? 0 : 1
}

/** Items of a list that the API server made bear no kind of their own. */
function withKind(item: unknown, listKind: string): unknown {
  return isRecord(item) && item['kind'] === undefined ? { ...item, kind: listKind.slice(0, -4) } : item
}

/** A manifest has no uid and no version yet, and may leave its namespace to the context. */
function withPlaceholders(root: Json, kind: string): Json {
  const metadata = isRecord(root['metadata']) ? root['metadata'] : {}
  const placed = kind === 'Namespace' ? {} : { namespace: 'default' }
  return { ...root, metadata: { uid: 'unknown', resourceVersion: '0', ...placed, ...metadata } }
}

function takeOne(draft: SceneDraft, kind: string, raw: Json): boolean {
  switch (kind) {
    case 'Secret':
      return takeObject(draft, kind, raw, typeof raw['type'] === 'string' ? raw['type'] : 'Opaque')
    case 'ConfigMap':
      return takeObject(draft, kind, raw, null)
    case 'Namespace':
      return takeNamespace(draft, raw)
    case 'Deployment':
      return takeWorkload(draft, raw, deploymentOf(raw))
    default:
      // What is of no interest need not have the form of anything.
      if (/^[A-Za-z]{1,63}$/.test(kind)) takeOther(draft, kind, raw)
      return true
  }
}

function deploymentOf({ spec }: Json): {
  readonly images: readonly string[]
  readonly isScaledToZero: boolean
} {
  if (!isRecord(spec)) return { images: [], isScaledToZero: false }
  const template = isRecord(spec['template']) ? spec['template'] : {}
  const pod = isRecord(template['spec']) ? template['spec'] : {}
  const containers: readonly unknown[] = Array.isArray(pod['containers']) ? pod['containers'] : []
  const images = containers.flatMap((each) =>
    isRecord(each) && typeof each['image'] === 'string' ? [each['image']] : [],
  )
  return { images, isScaledToZero: spec['replicas'] === 0 }
}

/** Namespaces that only objects name exist all the same; their labels and consent are not known. */
function noteMissing(draft: SceneDraft): void {
  const missing = new Set<string>()
  for (const key of draft.names) {
    const namespace = key.split('/')[1] ?? ''
    if (!draft.namespaces.has(namespace)) missing.add(namespace)
  }
  for (const name of missing) {
    takeNamespace(draft, { metadata: { name, uid: 'unknown', resourceVersion: '0' } })
  }
  if (missing.size > 0) draft.unread.push(difference('namespaces-unknown', { count: missing.size }))
}
