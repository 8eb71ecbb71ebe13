/** The dialect of mittwald/kubernetes-replicator 2: its keys, defaults and marks. */

import type { NamespaceChoice } from '../choice.ts'
import type { Annotated } from '../eligibility.ts'
import { pathOf } from '../names.ts'
import type { ToolMarks } from '../policy.ts'
import { parseReplicatorList } from '../patterns/lists.ts'
import { parseKubernetesSelector } from '../patterns/selectors.ts'
import { askOf } from './asking.ts'
import { NO_OFFER } from './dialect.ts'
import type { Dialect } from './dialect.ts'
import { both } from './modifiers.ts'
import type { Sheet } from './sheet.ts'

/** What the API server grants all annotations of an object together: a longer mark cannot have been written. */
const KEYS_LENGTH_MAX = 256 * 1024

export const replicator: Dialect = {
  name: 'replicator',
  prefix: ({ dialects }) => (dialects.read.has('replicator') ? dialects.prefixes.replicator : null),
  claimingKeys: ['replication-allowed', 'replicate-to', 'replicate-to-matching'],
  read(meta, sheet, { dialects }) {
    if (sheet.text('keep-owner-references') === 'true')
      sheet.remark(
        'keep-owner-references',
        'never obeyed: an owner in another namespace makes the garbage collector delete the copy',
      )
    return {
      ...NO_OFFER,
      push: pushOf(sheet),
      pull: pullOf(sheet),
      write: 'merge',
      copies: sheet.text('strip-labels') === undefined ? 'labels' : 'nothing',
      takesOver: dialects.takeOver.matches(pathOf(meta)),
      toolMarks: marksUnder(dialects.prefixes.replicator),
    }
  },
  ask(meta, prefix) {
    const annotation = `${prefix}replicate-from`
    const text = meta.annotations[annotation]
    if (text === undefined) return null
    const isFilled = (meta.annotations[`${prefix}replicated-from-version`] ?? '') !== ''
    return askOf(meta, { annotation, text, write: 'merge', toolMarks: marksUnder(prefix), isFilled })
  },
  left(meta, prefix) {
    const keys = replicatedKeys(meta, prefix)
    // Without a key to compare nothing could prove whose copy it is.
    if (keys === null || keys.length === 0 || meta.annotations[`${prefix}replicate-from`] !== undefined)
      return null
    return { tool: 'replicator', origin: null, isCollectable: false, keys }
  },
  markKeys: { labels: [], annotations: ['replicated-at', 'replicated-from-version', 'replicated-keys'] },
}

/** The keys of a copy that came from its origin; null: the mark is not there. */
export function replicatedKeys(
  meta: Pick<Annotated, 'annotations'>,
  prefix: string,
): readonly string[] | null {
  const text = meta.annotations[`${prefix}replicated-keys`]
  if (text === undefined || text.length > KEYS_LENGTH_MAX) return null
  return text.split(',').filter((key) => key !== '')
}

/** List or selector: one that holds suffices. A blank list names nobody, a blank selector everybody. */
function pushOf(sheet: Sheet): NamespaceChoice | null {
  const names = sheet.read('replicate-to', parseReplicatorList)
  const labels = sheet.read('replicate-to-matching', parseKubernetesSelector)
  return names === null && labels === null ? null : [{ names, labels }]
}

/** The list must be given as well; for ConfigMaps as for Secrets. */
function pullOf(sheet: Sheet): NamespaceChoice | null {
  if (!sheet.foreignBoolean('replication-allowed', parseBoolean, false)) return null
  return both(sheet.read('replication-allowed-namespaces', parseReplicatorList), null)
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

/** As `strconv.ParseBool` of Go. */
function parseBoolean(text: string): boolean | null {
  if (TRUE.has(text)) return true
  return FALSE.has(text) ? false : null
}

function marksUnder(prefix: string): ToolMarks {
  return {
    onCopy({ origin, keys, writtenAt }) {
      const annotations = {
        [`${prefix}replicated-at`]: writtenAt.replace(/\.[0-9]+Z$/, 'Z'),
        [`${prefix}replicated-from-version`]: origin.version,
        [`${prefix}replicated-keys`]: keys.toSorted().join(','),
      }
      return { labels: {}, annotations }
    },
    isBlanked: (annotations) =>
      annotations[`${prefix}replicated-keys`] !== undefined &&
      (annotations[`${prefix}replicated-from-version`] ?? '') === '',
  }
}
