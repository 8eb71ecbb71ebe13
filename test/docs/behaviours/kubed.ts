/** The vocabulary of kubed and config-syncer. */

import {
  abroad,
  chosenAbroad,
  kubed,
  kubedLife,
  kubedSwitch,
  left,
  reflectorHard,
  retries,
  spellings,
  twice,
} from './files.ts'
import { section } from './row.ts'
import type { Behaviour } from './row.ts'

const KEYS = section('kubed/keys', [
  [
    'sync-all',
    '`sync`, blank or `true`: every namespace.',
    'kept',
    'Every one but the own one and protected ones.',
    kubed('kubed: sync, blank or "true", means every namespace'),
    kubedLife('a bare sync goes to every namespace but the own one and the protected ones, new ones at once'),
  ],
  [
    'sync-selector',
    'Any other `sync` is a label selector over namespaces.',
    'kept',
    'The same.',
    kubed('kubed: any other sync is a selector over the labels of namespaces'),
    kubedSwitch('a changed selector removes the copies that it does not choose and makes those that it does'),
    kubedSwitch(
      'a namespace gains its copy when its labels begin to fit, and loses it when they do not any more',
    ),
  ],
  [
    'sync-false',
    '`sync: "false"` is a selector for a label named false.',
    'mended',
    'It is off.',
    kubed('kubed: sync "false" is off, not a selector'),
    kubedLife('sync: "false" is off, where kubed read it as a label selector'),
  ],
  [
    'sync-bad',
    'A selector that does not parse is logged.',
    'mended',
    'It holds the origin, and an Event says so.',
    kubed('kubed: a bad selector holds the origin and names its key'),
    kubedLife(
      'a selector that does not parse holds the origin: its copies stay as they are until it is mended',
    ),
  ],
  [
    'sync-contexts',
    '`sync-contexts` lists contexts of a kubeconfig, each another cluster.',
    'kept',
    'They are peers by name: a peer Secret of that name takes the place of the context.',
    abroad(
      'kubed’s `sync-contexts` forwards to the peers of these names, into the namespace of the own name, with its marks',
    ),
    kubed('kubed: sync-contexts names peers, comma-separated and exactly'),
    kubed('kubed: a list of contexts has a bound, and beyond it the origin is held'),
    kubedLife(
      'contexts alone name peers and reach no namespace of home; beside sync they change nothing here',
    ),
  ],
  [
    'context-namespace',
    'A context’s namespace is the target there, else the origin’s own.',
    'mended',
    'A context’s namespace is not known here: `target-namespaces` says another than the origin’s own.',
    abroad(
      'kubed’s `sync-contexts` forwards to the peers of these names, into the namespace of the own name, with its marks',
    ),
    chosenAbroad('globs choose namespaces of the peer, an exclusion wins, and no namespace of home'),
    kubed('kubed: sync-contexts names peers, comma-separated and exactly'),
  ],
  [
    'origin',
    'The annotation `origin` on a copy is a JSON reference with uid and version.',
    'kept',
    'Recognised, and written in the same form.',
    kubed('kubed: a copy bears origin as a JSON ObjectReference in the order of Go, and its three labels'),
    kubed('kubed: its copy names its origin, and is never collected'),
    kubedSwitch('a rotation spreads, and kubed’s reference names the new version'),
  ],
  [
    'origin-labels',
    'The labels `origin.name`, `origin.namespace` and `origin.cluster` stand on a copy.',
    'kept',
    'Written too, the cluster blank; they prove nothing by themselves.',
    kubed('kubed: a copy bears origin as a JSON ObjectReference in the order of Go, and its three labels'),
    kubed('kubed: marks that it cannot have written prove nothing'),
    kubedLife('a new copy bears kubed’s marks and all the origin’s metadata but what is never carried'),
  ],
])

const COPIES = section('kubed/copies', [
  [
    'metadata',
    'All labels and annotations are copied, those by which other tools own or find the origin among them.',
    'mended',
    'All are copied but these; on copies that it left, these are taken off in the patch that takes them over.',
    kubed('kubed: copies replace data and bear the origin’s labels and annotations'),
    kubedSwitch(
      'what is never carried goes from a taken copy, the rest of the origin’s metadata stays, and so do kubed’s marks',
    ),
    kubedSwitch('another label of the origin reaches its copies, as kubed copies all metadata'),
    left('kubed’s copies lose what is never carried in the write that takes them over'),
    left('what the target has of its own under a key that is never carried stays'),
  ],
  [
    'fan-out',
    'Copies in namespaces and in other clusters do not go together.',
    'mended',
    'They do: namespaces of home and peers are served side by side.',
    abroad('kubed’s `sync` and `sync-contexts` together serve home’s namespaces and the peer'),
    kubed('kubed: namespaces and clusters are offered side by side'),
    kubedLife(
      'contexts alone name peers and reach no namespace of home; beside sync they change nothing here',
    ),
  ],
  [
    'same-host',
    'Two contexts with one host and port are an error.',
    'kept',
    'Which cluster a peer is counts, not its address: one cluster under two names is refused, and the older Secret stays.',
    twice(
      'of two Secrets for one cluster the older stays, the younger is refused, and takes over when the older goes',
    ),
  ],
  [
    'removed',
    'Removing the annotation removes the copies.',
    'kept',
    'The same, and so does the end of the origin.',
    kubedSwitch('a removed annotation removes every copy, and the foreign ones stay'),
    kubedSwitch('a deleted origin takes its copies with it, all but those that were never taken over'),
  ],
  [
    'narrowed',
    'Copies stay when the selector narrows or a namespace is relabelled.',
    'mended',
    'They go at once, and others come.',
    kubedSwitch('a changed selector removes the copies that it does not choose and makes those that it does'),
    kubedSwitch(
      'a namespace gains its copy when its labels begin to fit, and loses it when they do not any more',
    ),
  ],
  [
    'outside',
    'Copies outside the selection that bear its labels are updated all the same.',
    'mended',
    'What no claim wants stays as it is, and is told.',
    kubedSwitch(
      'copies that no claim wants stay untouched and are told, those in protected namespaces as well',
    ),
    kubedSwitch('a changed selector removes the copies that it does not choose and makes those that it does'),
  ],
  [
    'long-names',
    'A name of more than 63 characters breaks its labels, and the copy.',
    'mended',
    'The label is left out and the copy made.',
    kubed('kubed: a name that no label can hold is left out of the labels'),
    kubedLife('a name that no label can hold is left out of the labels, and copied all the same'),
  ],
  [
    'errors',
    'An error is lost until the origin’s next event.',
    'mended',
    'What time cures is tried again, and an edit or deletion by hand is put right without an event of the origin.',
    retries('what time cures is tried again, after what the server asked for'),
    reflectorHard(
      'reads and patches that are refused or cut are repeated until the copy is ours, in place and without a data write',
    ),
    kubedLife(
      'a copy that is edited or deleted by hand is put right, where kubed waited for the origin’s next event',
    ),
  ],
  [
    'other-cluster',
    'A copy that names another cluster is overwritten, with an Event.',
    'kept',
    'Nobody knows here what a cluster was called, so the namespace and name of its reference count, and the live claim of that origin takes it over; without one it stays.',
    spellings('kubed: whichever cluster its label names, a copy is of the origin that its reference names'),
    kubedSwitch(
      'every claimed copy is taken over by exactly one metadata patch: no data write, no deletion, the same uids',
    ),
  ],
  [
    'in-the-way',
    'A foreign object of the name is overwritten.',
    'mended',
    'It stays as it is, and is told.',
    kubedSwitch('a foreign object of the origin’s name stays as it is and is told'),
  ],
])

export const KUBED: readonly Behaviour[] = [...KEYS, ...COPIES]
