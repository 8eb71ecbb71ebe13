/** The part of docs/annotations.md that answers what the tables leave open: precedence, limits, the ends of a mirror's life. */

import { TAKEOVER_DELAY_MS } from '../../src/core/plan.ts'
import {
  CONTEST_BACKOFF_MAX_MS,
  CONTEST_BACKOFF_MIN_MS,
  REPAIRS_MAX,
  REPAIR_WINDOW_MS,
} from '../../src/engine/history.ts'
import { bullets } from './markdown.ts'

const TAKEOVER_S = TAKEOVER_DELAY_MS / 1_000
const WINDOW_MIN = REPAIR_WINDOW_MS / 60_000
const BACKOFF = `from ${CONTEST_BACKOFF_MIN_MS / 1_000} second doubling to ${CONTEST_BACKOFF_MAX_MS / 60_000} minutes`

/** Question and answers, in the order in which a person meets them. */
const QUESTIONS: readonly (readonly [question: string, answers: readonly string[]])[] = [
  [
    'What exactly is held, and what is not?',
    [
      'A bad value, `paused: true`, a type that is never mirrored, and a key list that leaves nothing hold the origin: its mirrors stay as they are, new namespaces get none, an edit or a deletion of a mirror is not made good, pull mirrors are not filled.',
      'A version that fails `validate` is milder: nothing is created, updated or put back until one passes, but mirrors whose claim ends still go. Validators look at the origin’s whole data, before `keys` selects.',
      'A hold does not protect from the other side: where a namespace withdraws its consent, the mirror goes. An origin that is deleted is not held: its mirrors go.',
      'All of it depends only on what is written on the objects, so a restart changes nothing. Mend the value and mirrors follow at once.',
    ],
  ],
  [
    'When does a mirror go?',
    [
      'At once: when patterns or labels no longer choose its namespace, and when the namespace refuses.',
      'After the setting `deletionGrace`: when the origin is deleted, or the last annotation that offers it is taken off. If it is back by then, nothing happens; made anew under the same name it keeps its mirrors.',
      'What happened while nobody looked is confirmed first by asking for the origin, and a mass of such deletions waits for a person: [operations.md](operations.md#held-deletions).',
    ],
  ],
  [
    'What stays after `on-delete: retain`?',
    [
      'The object with its data, carried metadata and the annotations `retained` and `at` (and `adopted`, where it was); the label and all other marks go, those of other tools among them. It is the namespace’s own from then on.',
      'The same origin claiming again takes it back and writes its data. Take `retained` off to prevent that.',
      'While the origin lives, its annotation decides; once it is gone, the mirror’s own mark does. Withdrawn consent deletes retaining mirrors too.',
    ],
  ],
  [
    'What does `adopt` allow?',
    [
      'One take-over by the named origin, while that origin claims this very object and the namespace does not refuse it. Alone it makes nothing ours. The data is replaced by the origin’s; other metadata stays.',
      'An adopted object is never deleted by us, nor replaced: where its type or `immutable` forbids the change, it stays as it is, and its owner is told. When the claim ends it is retained.',
      'It counts as consented, so `kubectl apply` on it is put back. To have it back, let the Namespace `refuse` the origin: the marks go, the data stays. Take `adopt` and `retained` off, lest it is taken over again.',
      'An object that is an origin itself is never taken over.',
    ],
  ],
  [
    'Two origins want the same name: who gets it?',
    [
      `In this order: an origin in \`trustedOrigins\` (it displaces a holder), the one that holds it, the older one by \`creationTimestamp\`, then \`namespace/name\` by its bytes. Only origins that the namespace admits take part.`,
      'The other is told by `ClaimLost` on the origin. A trusted origin whose present version may not be distributed displaces nobody.',
      `When the holder goes, the next takes the name ${TAKEOVER_S} seconds later; the former holder, back within them, holds it again.`,
    ],
  ],
  [
    'What happens beyond a limit?',
    [
      'Only the claims beyond it are refused; present mirrors come first, then places by name. `LimitReached` on the origin says how many. Room that gets free is given at once.',
      'Mirrors that a lowered limit leaves outside are frozen, not deleted. Origins beyond `originsPerNamespaceMax` are treated so with all their mirrors; those that have mirrors are served first, then the older ones.',
    ],
  ],
  [
    'How does a pull mirror behave?',
    [
      'It must be of the origin’s kind, in a namespace that is not protected; the origin’s own namespace is allowed, the origin itself is not. `accept`, `refuse` and `targetNamespaces` do not matter: the annotation is the consent.',
      '`keys`, `carry`, `labels`, `annotations` and `validate` of the origin apply; `reflect-as`, `type`, `immutable` and `on-delete` do not. Data is replaced as a whole, an edit is put back. Data that breaks the rules of the object’s own type is not written, and `PullRefused` says so.',
      'When the origin or its permission goes, or `reflect-from` is taken off, the last data stays and we stop; the marks that were left do no harm. Deleting the object is its owner’s choice: it is not made again.',
      'An origin that is absent, that offers nothing and that does not allow the namespace look the same: `PullUnavailable`.',
      'A mirror that its owner gives `reflect-from` becomes a pull mirror, and is never deleted by us from then on.',
    ],
  ],
  [
    'What do `immutable` and a changed `type` cost?',
    [
      'Neither can change in place: the mirror is deleted and made again, after a dry run that shows that a new one would be taken. Refused there, by a quota for instance, the old one stays and `ReplacementRefused` says why.',
      'For an instant the object is not there. Pods that run keep what they mounted; whether they see the new object without a restart is up to their kubelet.',
    ],
  ],
  [
    'I applied my own manifest over a mirror. What now?',
    [
      'If the object gains `kubectl.kubernetes.io/last-applied-configuration`, or a server-side apply of somebody else owns its data, it is its owner’s: marks go, his data stays, `MirrorReleased` and `OriginReleased` tell both sides. After that it is in the way like any object (`MirrorBlocked`).',
      'Not so where the Namespace has an `accept` that matches the origin, or the object was adopted: there the edit is put back.',
      'Any other edit (`kubectl edit`, `kubectl patch`) is drift and is put back.',
      `More than ${REPAIRS_MAX} repairs of one mirror in ${WINDOW_MIN} minutes make it contested: it is put back ever more slowly, ${BACKOFF}, and \`MirrorContested\` names the other writers. A new version of the origin is brought all the same.`,
    ],
  ],
  [
    'What if marks are removed or copied?',
    [
      'With two of `mirror`, `origin` and `at` left and content that agrees with `digest`, the third is restored. With less, the object is nobody’s: `MirrorUnowned`, never changed, never deleted.',
      'A manifest copied from a mirror to another namespace or name is not ours: its `at` names another place.',
    ],
  ],
  [
    'How do `accept` and `refuse` read in detail?',
    [
      '`refuse` that matches beats everything, a malformed `accept` too. Otherwise a malformed `accept` or `refuse` admits nothing new and freezes what is there; `ConsentMalformed` tells the Namespace.',
      'A pattern with a colon is one over `cluster:namespace/name`; without it, `accept` speaks of this cluster and `refuse` of every cluster. An exclusion without a colon covers every cluster in both.',
    ],
  ],
  [
    'What does a restart or an upgrade change?',
    [
      'Nothing that is written: with all in sync no mirror is read or written. What has no place on an object begins anew: back-off of contested mirrors, the wait for a freed name, and which deletions were seen, so that those under way are confirmed first.',
    ],
  ],
]

export function questions(): readonly string[] {
  return QUESTIONS.flatMap(([question, answers]) => [`### ${question}`, bullets(answers)])
}
