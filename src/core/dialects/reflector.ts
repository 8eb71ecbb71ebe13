/** The dialect of emberstack/kubernetes-reflector 6 to 10: its keys, defaults and marks. */

import type { NamespaceChoice } from '../choice.ts'
import type { Annotated } from '../eligibility.ts'
import { isNamespaceName, isObjectName } from '../names.ts'
import type { ToolMarks } from '../policy.ts'
import { parseReflectorList } from '../patterns/lists.ts'
import { parseReflectorSelector } from '../patterns/selectors.ts'
import { askOf } from './asking.ts'
import { NO_OFFER } from './dialect.ts'
import type { Dialect } from './dialect.ts'
import type { Sheet } from './sheet.ts'

export const reflector: Dialect = {
  name: 'reflector',
  prefix: ({ dialects }) => (dialects.read.has('reflector') ? dialects.prefixes.reflector : null),
  claimingKeys: ['reflection-allowed'],
  read(meta, sheet, { dialects }) {
    const toolMarks = marksUnder(dialects.prefixes.reflector)
    if (dialects.reflectorExcluded.matches(meta.namespace))
      return { ...NO_OFFER, toolMarks, isOutOfScope: true }
    // What is not allowed is revoked, whatever else is written badly beside it.
    if (!sheet.foreignBoolean('reflection-allowed', parseBoolean, false)) return { ...NO_OFFER, toolMarks }
    const allowed = choiceOf(sheet, 'reflection-allowed-namespaces')
    const isAuto = sheet.foreignBoolean('reflection-auto-enabled', parseBoolean, false)
    const push = isAuto ? [...allowed, ...choiceOf(sheet, 'reflection-auto-namespaces')] : null
    return { ...NO_OFFER, push, pull: allowed, toolMarks }
  },
  ask(meta, prefix, { dialects }) {
    const annotation = `${prefix}reflects`
    const text = meta.annotations[annotation]
    if (text === undefined || isAutoCopy(meta, prefix) || dialects.reflectorExcluded.matches(meta.namespace))
      return null
    const parts = partsOf(text)
    // Its tool reads anything else as no request at all.
    if (parts.length !== 1 && parts.length !== 2) return null
    const isFilled = (meta.annotations[`${prefix}reflected-version`] ?? '') !== ''
    const toolMarks = marksUnder(prefix)
    return askOf(meta, { annotation, text: parts.join('/'), write: 'replace', toolMarks, isFilled })
  },
  left(meta, prefix, { dialects }) {
    const [namespace, name, ...more] = partsOf(meta.annotations[`${prefix}reflects`] ?? '')
    if (!isAutoCopy(meta, prefix) || namespace === undefined || name === undefined || more.length > 0)
      return null
    // It made copies of the origin's name only, and none beside the origin.
    if (name !== meta.name || namespace === meta.namespace) return null
    if (!isNamespaceName(namespace) || !isObjectName(name)) return null
    const isCollectable = !dialects.reflectorExcluded.matches(namespace)
    return { tool: 'reflector', origin: { kind: meta.kind, namespace, name }, isCollectable, keys: null }
  },
  markKeys: { labels: [], annotations: ['reflects', 'auto-reflects', 'reflected-version', 'reflected-at'] },
}

/** As `bool.Parse` of .NET: any case, blanks trimmed. */
function parseBoolean(text: string): boolean | null {
  const word = text.trim().toLowerCase()
  if (word === 'true') return true
  return word === 'false' ? false : null
}

function isAutoCopy(meta: Annotated, prefix: string): boolean {
  return parseBoolean(meta.annotations[`${prefix}auto-reflects`] ?? '') === true
}

function partsOf(path: string): string[] {
  return path
    .split('/')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** List or selector: one of those that are given must hold. A blank one is not given; neither given chooses every namespace. */
function choiceOf(sheet: Sheet, key: string): NamespaceChoice {
  const isGiven = (text: string | undefined): boolean => text !== undefined && text.trim() !== ''
  const selectorKey = `${key}-selector`
  const names = isGiven(sheet.text(key)) ? sheet.read(key, parseReflectorList) : null
  const labels = isGiven(sheet.text(selectorKey)) ? sheet.read(selectorKey, parseReflectorSelector) : null
  return names === null && labels === null ? [] : [{ names, labels }]
}

/** `reflected-at` is what .NET writes for a `DateTimeOffset`: seven digits and the offset. */
function marksUnder(prefix: string): ToolMarks {
  return {
    onCopy({ origin, form, writtenAt }) {
      const annotations = {
        ...(form === 'push' ? { [`${prefix}reflects`]: `${origin.namespace}/${origin.name}` } : {}),
        [`${prefix}auto-reflects`]: form === 'push' ? 'True' : 'False',
        [`${prefix}reflected-version`]: origin.version,
        [`${prefix}reflected-at`]: writtenAt.replace('Z', '0000+00:00'),
      }
      return { labels: {}, annotations }
    },
    isBlanked: (annotations) =>
      annotations[`${prefix}reflects`] !== undefined &&
      (annotations[`${prefix}reflected-version`] ?? '') === '',
  }
}
