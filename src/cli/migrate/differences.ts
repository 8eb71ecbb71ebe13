/** Every difference that `heliograph migrate` can name: one table of codes, how much each matters, its sentence and the next step. */

import { invariant } from '../../std/assert.ts'

/**
 * `note`: different, and nothing needs to be done. `warning`: somebody should look.
 * `blocker`: an origin is not served, or two controllers would write at once.
 */
export type Severity = 'note' | 'warning' | 'blocker'

export interface DifferenceEntry {
  readonly severity: Severity
  /** `{name}` marks what is filled in: names, counts and fixed reasons, never a value. */
  readonly sentence: string
  /** Empty where there is nothing to do. */
  readonly nextStep: string
}

export const DIFFERENCES = {
  'old-controller-running': {
    severity: 'blocker',
    sentence: 'Deployment {object} looks like {tool}, and is not scaled to zero.',
    nextStep: 'Scale it to zero before Heliograph starts: two controllers would write the same copies.',
  },
  'bad-pattern': {
    severity: 'blocker',
    sentence:
      'Annotation {annotation}: {reason}. The origin is held: its copies stay and follow it no more. There, one such pattern could stop every mirror.',
    nextStep: 'Mend the pattern.',
  },
  'unsupported-pattern': {
    severity: 'blocker',
    sentence:
      'Annotation {annotation}: {reason}. The origin is held: such a pattern cannot be matched in bounded time, or says too much to be read safely.',
    nextStep: 'Write the namespaces as a list of names and plain patterns.',
  },
  'bad-selector': {
    severity: 'blocker',
    sentence:
      'Annotation {annotation}: {reason}. The origin is held: its copies stay and follow it no more. There, such a selector matches nothing.',
    nextStep: 'Mend the selector.',
  },
  'bad-value': {
    severity: 'blocker',
    sentence: 'Annotation {annotation}: {reason}. The origin is held.',
    nextStep: 'Mend the annotation.',
  },
  'refused-type': {
    severity: 'blocker',
    sentence: 'Secrets of this type are never mirrored (setting refusedTypes). The origin is held.',
    nextStep: 'Remove the annotations, or allow the type.',
  },
  'bad-boolean': {
    severity: 'warning',
    sentence: 'Annotation {annotation}: {reason}, there as here.',
    nextStep: 'Write true or false.',
  },
  'passed-over': {
    severity: 'warning',
    sentence: 'Annotation {annotation}: {reason}.',
    nextStep: 'Remove the keys that are not meant.',
  },
  'keep-owner-references': {
    severity: 'warning',
    sentence: 'Annotation {annotation}: {reason}. There, the copies have owners.',
    nextStep: 'Remove the annotation.',
  },
  'own-namespace': {
    severity: 'note',
    sentence:
      'The origin’s own namespace is chosen as well, and is never a target. There, the origin itself could be overwritten, looped or deleted.',
    nextStep: '',
  },
  'namespace-not-admitted': {
    severity: 'note',
    sentence: 'Chosen, but not written to: {namespaces} ({why}).',
    nextStep: '',
  },
  'copy-stays': {
    severity: 'warning',
    sentence:
      'Copies of the old controller stay as they are, and follow no more, where they may not be written: {namespaces}.',
    nextStep: 'Delete them, or allow the namespaces (setting allowedNamespaces; accept on the Namespace).',
  },
  'unmanaged-in-the-way': {
    severity: 'warning',
    sentence:
      'An object of the same name that no tool made stands in {namespaces}. It stays untouched. There, it could be overwritten, merged into or deleted.',
    nextStep: 'Annotate it with {adopt}: {origin}, or {ways}.',
  },
  'taken-back': {
    severity: 'warning',
    sentence:
      'Copies that their owners have declared as their own since (kubectl apply) are not taken over: {namespaces}.',
    nextStep: 'Delete those objects, or annotate them with {adopt}: {origin}, to have them mirrored.',
  },
  'claimed-twice': {
    severity: 'warning',
    sentence:
      'Another origin claims the same name in {namespaces}: one of them wins, and goes on winning. There, the last event wins.',
    nextStep: 'Narrow one of them, or name the mirrors apart ({reflectAs}).',
  },
  'copy-unproven': {
    severity: 'warning',
    sentence:
      'Marks of replicator name no origin, and several origins, or a held one of this name, may be theirs: no copy is taken over in {namespaces}.',
    nextStep: 'Mend or narrow the others, or annotate the copies with {adopt}: {origin}.',
  },
  'chooses-nothing': {
    severity: 'warning',
    sentence: 'No namespace is chosen now.',
    nextStep: 'Check it: {how}.',
  },
  'over-the-limit': {
    severity: 'warning',
    sentence: 'It chooses {count} namespaces, more than the limit of {limit} mirrors.',
    nextStep: 'Narrow it, or raise the setting mirrorsPerOriginMax.',
  },
  'alternation-anchoring': {
    severity: 'warning',
    sentence:
      'Alternatives are matched against the whole name; there, a|b means a at the beginning or b at the end. Not chosen any more: {namespaces}.',
    nextStep: 'Write a.*, .*b if these namespaces are meant.',
  },
  'sync-false': {
    severity: 'warning',
    sentence:
      'Annotation {annotation}: false switches it off. There, it selects namespaces that have a label of this name.',
    nextStep: 'Remove the annotation.',
  },
  'other-clusters': {
    severity: 'warning',
    sentence: 'Annotation {annotation} names other clusters: it has an effect only where they are peers.',
    nextStep: 'Set up a peer of each of these names.',
  },
  paused: { severity: 'note', sentence: 'It is paused: nothing happens until it is not.', nextStep: '' },
  'excluded-namespace': {
    severity: 'note',
    sentence: 'Its namespace is on reflector’s list of excluded ones: it is left alone, there as here.',
    nextStep: '',
  },
  'offers-ignored': {
    severity: 'warning',
    sentence:
      'It asks to be filled and offers copies as well: what it offers is ignored, as no mirror is an origin.',
    nextStep: 'Offer the origin itself.',
  },
  'pull-of-own-name': {
    severity: 'note',
    sentence:
      'It has the origin’s own name. There, it is taken over or deleted once the origin is pushed; here it is never deleted.',
    nextStep: '',
  },
  'pull-needs-permission': {
    severity: 'warning',
    sentence:
      'ConfigMap {origin} does not allow this namespace, so the last data stays. There, ConfigMaps are pulled without permission.',
    nextStep: 'Set {allowed} and {allowedNamespaces} on the origin.',
  },
  'pull-unavailable': {
    severity: 'warning',
    sentence: '{origin} is not there, or does not allow this namespace: the last data stays, there as here.',
    nextStep: 'Check the name and the origin’s list, or remove the annotation.',
  },
  'pull-protected': {
    severity: 'warning',
    sentence: 'Nothing is filled in a protected namespace: the last data stays.',
    nextStep: 'Allow the namespace (setting allowedNamespaces), or remove the annotation.',
  },
  'bad-pull': {
    severity: 'warning',
    sentence: 'Annotation {annotation}: {reason}. Nothing is filled.',
    nextStep: 'Mend the annotation.',
  },
  'copy-collected': {
    severity: 'warning',
    sentence:
      'Its origin is gone or does not allow it any more, so it is deleted, as reflector would: {namespaces}.',
    nextStep: 'Where a copy is still needed, take the annotations of reflector off it first.',
  },
  'copy-left': {
    severity: 'warning',
    sentence: 'No origin claims it, so it stays as it is and follows nothing: {namespaces}.',
    nextStep: 'Delete it, or let its origin offer it to these namespaces.',
  },
  'legacy-key': {
    severity: 'warning',
    sentence: 'Annotation {annotation} is of an old version of the tool and has no effect, there as here.',
    nextStep: 'Remove it, or write the present key on the Secret itself.',
  },
  'unmerged-key': {
    severity: 'warning',
    sentence: 'Annotation {annotation} was only ever proposed for the tool and has no effect, there as here.',
    nextStep: 'Use {instead}.',
  },
  'unread-annotation': {
    severity: 'warning',
    sentence: 'Annotation or label {annotation} means nothing to the tool, nor to us.',
    nextStep: 'Check its spelling, or remove it.',
  },
  'unsupported-kind': {
    severity: 'warning',
    sentence: '{object} bears keys of {tool}, and objects of this kind are not mirrored.',
    nextStep: 'Deploy it by other means before the old controller goes.',
  },
  'not-read': {
    severity: 'warning',
    sentence: '{what} could not be read ({why}), so the report says nothing about them.',
    nextStep: 'Run it again with the right to list them; mend what is malformed.',
  },
  'namespaces-unknown': {
    severity: 'note',
    sentence:
      'Namespaces that are not in the stream, so that their labels and consent are not known: {count}. Those that hold nothing in it are not counted.',
    nextStep: 'Pipe the Namespaces in as well.',
  },
  'edits-repaired': {
    severity: 'note',
    sentence: 'Copies that are edited or deleted by hand are put right at once.',
    nextStep: '',
  },
  'orphans-collected': {
    severity: 'note',
    sentence:
      'Copies whose origin went while the controller was down are found and deleted, once a second look confirms it.',
    nextStep: '',
  },
  'narrowing-collects': {
    severity: 'note',
    sentence:
      'A narrower list, or the end of the annotation, deletes the copies that it no longer names. There, they stay.',
    nextStep: '',
  },
  'pull-at-once': {
    severity: 'note',
    sentence: 'A pull mirror that was there before its origin is filled as soon as the origin appears.',
    nextStep: '',
  },
  'anchored-everywhere': {
    severity: 'note',
    sentence:
      'Patterns are matched against whole names everywhere. There, deletion and --exclude-namespaces match parts of names.',
    nextStep: '',
  },
  'own-keys-stay': {
    severity: 'note',
    sentence:
      'When an origin goes, only the keys that came from it go, and only where the object’s type allows. There, a pull mirror loses all data.',
    nextStep: '',
  },
  'proof-by-content': {
    severity: 'note',
    sentence:
      'Marks of replicator name no origin: a copy is taken over only if every key that it wrote equals the origin’s now. Others stay untouched, and Event MirrorBlocked tells of them.',
    nextStep: '',
  },
  'metadata-left-out': {
    severity: 'note',
    sentence:
      'Labels and annotations by which other tools own or find the origin are not copied (setting neverCarry).',
    nextStep: '',
  },
} as const satisfies Record<string, DifferenceEntry>

export type DifferenceCode = keyof typeof DIFFERENCES
export const DIFFERENCE_CODES = Object.keys(DIFFERENCES) as readonly DifferenceCode[]

/** One difference that was found. */
export interface Difference {
  readonly code: DifferenceCode
  readonly severity: Severity
  readonly sentence: string
  readonly nextStep: string
}

/** Makes a difference. `words` fills the braces; every word comes from names, counts or fixed reasons. */
export function difference(
  code: DifferenceCode,
  words: Readonly<Record<string, string | number>> = {},
): Difference {
  const { severity, sentence, nextStep } = DIFFERENCES[code]
  const fill = (template: string): string =>
    template.replace(/\{([a-zA-Z]+)\}/g, (_, word: string) => {
      const value = words[word]
      invariant(value !== undefined, `difference ${code} lacks the word ${word}`)
      return String(value)
    })
  return { code, severity, sentence: fill(sentence), nextStep: fill(nextStep) }
}

const RANKS: readonly Severity[] = ['note', 'warning', 'blocker']

/** The gravest of all; null: there is none. */
export function worstOf(differences: Iterable<Difference>): Severity | null {
  let worst = -1
  for (const { severity } of differences) worst = Math.max(worst, RANKS.indexOf(severity))
  return RANKS[worst] ?? null
}
