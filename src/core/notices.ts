/**
 * Everything that people are told by a Kubernetes Event: one table of codes, sentences and next steps.
 * A sentence is filled from names, counts and fixed reasons only, so no notice can carry a value; docs/events.md is generated from the table.
 */

import { invariant } from '../std/assert.ts'
import type { Kind, Uid } from './names.ts'

/** Which side may read it: an Event about an origin never says which target, nor why a target said no. */
export type NoticeSide = 'origin' | 'mirror' | 'pull mirror' | 'namespace' | 'controller'

export interface NoticeEntry {
  readonly type: 'Normal' | 'Warning'
  readonly about: NoticeSide
  /** `{name}` marks what is filled in. */
  readonly sentence: string
  /** What a person does next; appended to the message. */
  readonly nextStep: string
}

export const NOTICES = {
  OriginHeld: {
    type: 'Warning',
    about: 'origin',
    sentence:
      'Annotation {annotation}: {reason}. This origin is held: nothing is created, updated or deleted for it.',
    nextStep: 'Mend the annotation; mirrors follow at once.',
  },
  AnnotationUnknown: {
    type: 'Warning',
    about: 'origin',
    sentence: 'Annotation or label {annotation} means nothing to us.',
    nextStep: 'Check its spelling, or remove it.',
  },
  AnnotationIgnored: {
    type: 'Warning',
    about: 'origin',
    sentence: 'Annotation {annotation}: {reason}.',
    nextStep: 'Nothing is held by it; mend or remove it.',
  },
  OriginTypeRefused: {
    type: 'Warning',
    about: 'origin',
    sentence: 'Secrets of this type are never mirrored.',
    nextStep: 'Remove the annotations, or ask the administrator to allow the type.',
  },
  OriginSelectionEmpty: {
    type: 'Warning',
    about: 'origin',
    sentence:
      'Annotation {annotation}: no key is left to mirror, or two keys meet under one name. This origin is held.',
    nextStep: 'Mend the key list or the data.',
  },
  ValidationFailed: {
    type: 'Warning',
    about: 'origin',
    sentence:
      'This version is not distributed: validator {validator}: {reason}. Mirrors keep the last good version.',
    nextStep: 'Write a version that passes.',
  },
  CertificateExpired: {
    type: 'Warning',
    about: 'origin',
    sentence: 'The mirrored certificate is out of date. Mirrors keep it.',
    nextStep: 'Rotate the certificate.',
  },
  LimitReached: {
    type: 'Warning',
    about: 'origin',
    sentence: 'Targets that are refused: {count}. The limit of {limit} is reached.',
    nextStep: 'Narrow the patterns, shrink the data, or ask the administrator to raise the limit.',
  },
  NamespaceLimitReached: {
    type: 'Warning',
    about: 'origin',
    sentence: 'This origin is refused: its namespace has more origins than the limit of {limit}.',
    nextStep: 'Remove origins from the namespace, or ask the administrator to raise the limit.',
  },
  TargetsBlocked: {
    type: 'Warning',
    about: 'origin',
    sentence: 'Targets that cannot be written now: {count}.',
    nextStep: 'Their namespaces are told why; ask their owners or the administrator.',
  },
  TargetsUnmatched: {
    type: 'Warning',
    about: 'origin',
    sentence: 'Annotation {annotation} names no peer that takes this origin. It is forwarded nowhere.',
    nextStep:
      'Check the spelling, or ask the administrator which names to write and to let this origin in (peer-origins).',
  },
  OffersIgnored: {
    type: 'Warning',
    about: 'pull mirror',
    sentence: 'A mirror is never an origin: the offering annotations on this object are ignored.',
    nextStep: 'Offer the origin itself, or remove them.',
  },
  MirrorBlocked: {
    type: 'Warning',
    about: 'mirror',
    sentence:
      'Origin {origin} wants to keep a mirror under this name, but this object is not ours. It stays untouched.',
    nextStep: 'Annotate it with {prefix}adopt: {origin} to let it be taken over, or rename or delete it.',
  },
  CopyLeft: {
    type: 'Warning',
    about: 'mirror',
    sentence: 'This copy was made by {tool}, and no origin that may write here claims it. It stays as it is.',
    nextStep: 'Delete it, or let its origin offer it to this namespace; heliograph migrate lists all.',
  },
  MirrorUnowned: {
    type: 'Warning',
    about: 'mirror',
    sentence:
      'The marks of this mirror were removed or changed and its content does not prove it ours. It is left alone and never deleted.',
    nextStep: 'Delete it to have it made anew, or annotate it with {prefix}adopt: {origin}.',
  },
  MirrorContested: {
    type: 'Warning',
    about: 'mirror',
    sentence: 'This mirror is changed again and again by {managers}; it is put back ever more slowly.',
    nextStep: 'Stop the other writer, or refuse the origin on the Namespace.',
  },
  MirrorReleased: {
    type: 'Normal',
    about: 'mirror',
    sentence:
      'The owner of this namespace declares this object as his own: it is no mirror of {origin} any more and keeps its data.',
    nextStep: 'To have it mirrored again, delete it, or annotate it with {prefix}adopt: {origin}.',
  },
  OriginReleased: {
    type: 'Normal',
    about: 'origin',
    sentence:
      'Mirrors that were released: {count}. The owners of their namespaces declare the objects as their own.',
    nextStep: 'There is nothing to do: the released objects keep their data.',
  },
  MirrorReplaced: {
    type: 'Normal',
    about: 'mirror',
    sentence:
      'This mirror of {origin} was deleted and created again: its type or its immutable data changed.',
    nextStep: 'Workloads that mount it may need a restart.',
  },
  OriginReplaced: {
    type: 'Normal',
    about: 'origin',
    sentence: 'Mirrors that were deleted and created again: {count}. Type or immutable data changed.',
    nextStep: 'Workloads that mount them may need a restart.',
  },
  ReplacementRefused: {
    type: 'Warning',
    about: 'mirror',
    sentence:
      'This mirror of {origin} must be replaced, but a new one would be refused here ({reason}). The old one stays.',
    nextStep: 'Make room in the quota or lift the refusal; it is tried again.',
  },
  MirrorRefused: {
    type: 'Warning',
    about: 'namespace',
    sentence: 'A mirror of {origin} cannot be written here: {reason}.',
    nextStep: 'Lift what refuses it; it is tried again within minutes.',
  },
  ClaimLost: {
    type: 'Warning',
    about: 'origin',
    sentence: 'Targets that are held by another origin that claims the same names: {count}.',
    nextStep: 'Use another name (reflect-as), or ask the administrator to trust this origin.',
  },
  PullUnavailable: {
    type: 'Warning',
    about: 'pull mirror',
    sentence: 'Origin {origin} is not available to this namespace. The last data stays.',
    nextStep: 'Check the name, and ask its owner to allow this namespace in {prefix}allow-pull.',
  },
  PullFlawed: {
    type: 'Warning',
    about: 'pull mirror',
    sentence: 'Annotation {annotation}: {reason}. Nothing is written.',
    nextStep: 'Mend the annotation.',
  },
  PullRefused: {
    type: 'Warning',
    about: 'pull mirror',
    sentence: 'The data of {origin} cannot be written into this object: {reason}. The last data stays.',
    nextStep: 'Give the object a type that fits the data, or lift what refuses it.',
  },
  ConsentMalformed: {
    type: 'Warning',
    about: 'namespace',
    sentence: 'Annotation {annotation}: {reason}. Nothing new is admitted here and what is here is frozen.',
    nextStep: 'Mend the annotation.',
  },
  DeletionsHeld: {
    type: 'Warning',
    about: 'namespace',
    sentence:
      '{count} of {total} mirrors of origins in this namespace would be deleted, but nobody saw their origins go. Hold {hold}.',
    nextStep: 'Check that this is meant, then run: heliograph release {hold}',
  },
  PeerRefused: {
    type: 'Warning',
    about: 'controller',
    sentence: 'Peer {name} is not used as this Secret says: {reason}.',
    nextStep:
      'Mend the Secret; what worked before goes on until then. heliograph peer check {name} says more.',
  },
  PeerUnreachable: {
    type: 'Warning',
    about: 'controller',
    sentence: 'Nothing is written to peer {name}: {reason}. Its mirrors stay as they are.',
    nextStep: 'It is tried again; heliograph peer check {name} says more.',
  },
  PeerRightsMissing: {
    type: 'Warning',
    about: 'controller',
    sentence: 'The credential of peer {name} may not: {rights}.',
    nextStep: 'Grant these rights on the peer; heliograph peer add shows the manifests.',
  },
  PeerTokenNotRenewed: {
    type: 'Warning',
    about: 'controller',
    sentence: 'The token of peer {name} could not be renewed: {reason}.',
    nextStep: 'It is tried again until it ends; heliograph peer add makes another.',
  },
  NamespaceCreated: {
    type: 'Normal',
    about: 'namespace',
    sentence: 'This namespace was made for a mirror of {origin} of another cluster.',
    nextStep: 'Let that origin not choose it before you delete it: it would be made again.',
  },
  PeerRemoved: {
    type: 'Normal',
    about: 'controller',
    sentence: 'Peer {name} was removed. Mirrors that stay there: {count}.',
    nextStep: 'To delete them, add it again and run heliograph peer clean {name} --yes.',
  },
  DigestKeyMalformed: {
    type: 'Warning',
    about: 'controller',
    sentence: 'This Secret does not hold a usable digest key: {reason}. Nothing is written anywhere.',
    nextStep:
      'Restore it from a backup, or delete it: the leader puts back the key that it knows, or makes a new one and compares every mirror once.',
  },
  IdentityChanged: {
    type: 'Warning',
    about: 'controller',
    sentence:
      'The UID of kube-system is another than when this identity was fixed: this Secret was brought here from another cluster. No mirror is deleted or let go, and no peer is written to.',
    nextStep:
      'Run heliograph identity keep where this cluster replaces that one, heliograph identity new where both exist.',
  },
  ClusterPropertyChanged: {
    type: 'Warning',
    about: 'controller',
    sentence: 'The ClusterProperty of this cluster is another than its identity here. The identity is kept.',
    nextStep: 'There is nothing to do: mirrors on peers bear the identity that was fixed first.',
  },
} as const satisfies Record<string, NoticeEntry>

export type NoticeCode = keyof typeof NOTICES
export const NOTICE_CODES = Object.keys(NOTICES) as readonly NoticeCode[]

export interface NoticeSubject {
  readonly kind: Kind | 'Namespace'
  /** Empty for a Namespace. */
  readonly namespace: string
  readonly name: string
  readonly uid: Uid
}

export interface Notice {
  readonly code: NoticeCode
  readonly subject: NoticeSubject
  /** The whole message: sentence and next step, filled in. */
  readonly message: string
}

/** A message is cut at the bound of the Event API (1,024 bytes) less room for multi-byte names. */
const MESSAGE_LENGTH_MAX = 1_000

/** Makes a notice. `words` fills the braces; every word comes from names, counts or fixed reasons, never from content. */
export function notice(
  code: NoticeCode,
  subject: NoticeSubject,
  words: Readonly<Record<string, string | number>>,
): Notice {
  const entry = NOTICES[code]
  const fill = (template: string): string =>
    template.replace(/\{([a-z]+)\}/g, (_, word: string) => {
      const value = words[word]
      invariant(value !== undefined, `notice ${code} lacks the word ${word}`)
      return String(value)
    })
  const message = `${fill(entry.sentence)} ${fill(entry.nextStep)}`
  return {
    code,
    subject,
    message: message.length > MESSAGE_LENGTH_MAX ? `${message.slice(0, MESSAGE_LENGTH_MAX - 1)}…` : message,
  }
}
