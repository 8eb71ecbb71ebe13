/** The vocabulary of the hand-written controller of many blog posts. */

import { abroad, lifeAbroad, queue, retries, sync, syncing, watches } from './files.ts'
import { section } from './row.ts'
import type { Behaviour } from './row.ts'

export const SYNC: readonly Behaviour[] = section('sync', [
  [
    'enabled',
    '`enabled: "true"` on a Secret copies it.',
    'kept',
    'It forwards; ConfigMaps as well. What is neither true nor false is told.',
    abroad(
      '`enabled` and `targets` of the hand-written controller forward by name and by glob into the namespace of the own name',
    ),
    sync(
      'sync: enabled "true" forwards to the peers that targets lists, into the namespace of the origin’s name',
    ),
    syncing(
      'what is not exactly true or false is off and told; false is off in silence, bad targets and all',
    ),
  ],
  [
    'targets',
    '`targets` lists clusters.',
    'kept',
    'Peers by name or glob, checked at once.',
    abroad(
      '`enabled` and `targets` of the hand-written controller forward by name and by glob into the namespace of the own name',
    ),
    sync('sync: targets takes globs as well'),
    sync('sync: without targets, or with a blank list, nothing is forwarded'),
    syncing('enabled with targets, names or globs, is understood and reaches no namespace of home'),
    syncing('a glob that does not parse holds the origin and is told, until it is mended'),
  ],
  [
    'same-place',
    'The copy has the same namespace and name, and is updated where it exists.',
    'mended',
    'The same place; an object there that is not ours is left alone, and told.',
    abroad(
      '`enabled` and `targets` of the hand-written controller forward by name and by glob into the namespace of the own name',
    ),
    lifeAbroad('an object of the peer’s own under the name is never touched, and its owner is told there'),
    sync(
      'sync: enabled "true" forwards to the peers that targets lists, into the namespace of the origin’s name',
    ),
  ],
  [
    'stripped',
    'Version and uid are taken off before it is written; the copy bears no marks.',
    'mended',
    'No mark of it is expected or written; ours stand on what is made.',
    lifeAbroad(
      'a Secret and a ConfigMap reach every named peer, bear the marks of their cluster, and the origin stays untouched',
    ),
    sync('sync: it leaves no marks, asks for nothing, and bears none'),
  ],
  [
    'one-namespace',
    'One namespace of one cluster is watched.',
    'mended',
    'The annotations are read in every namespace that may be an origin’s.',
    syncing('enabled with targets, names or globs, is understood and reaches no namespace of home'),
    syncing('our own keys beside it say who may have a copy at home, and sync is passed over'),
  ],
  [
    'metadata',
    'Every label and annotation is copied.',
    'mended',
    'They are, less what is never carried.',
    sync('sync: copies replace data and bear the origin’s labels and annotations'),
  ],
  [
    'never-deletes',
    'Nothing is ever deleted.',
    'mended',
    'Switched off, narrowed or deleted, its copies go.',
    abroad(
      '`enabled` and `targets` of the hand-written controller forward by name and by glob into the namespace of the own name',
    ),
    lifeAbroad(
      'a target taken from the list loses its mirror, the other keeps it; taken back, it is made again',
    ),
    sync('sync: enabled "false" offers nothing, and bad targets beside it hold nothing'),
  ],
  [
    'errors',
    'An error is lost.',
    'mended',
    'What time cures is tried again, ever more slowly.',
    retries('what time cures is tried again, after what the server asked for'),
    queue(
      'a key that wants another turn waits twice as long each time, up to a minute, and at once after success',
    ),
  ],
  [
    'watch-ends',
    'It stops when its watch ends.',
    'mended',
    'A watch that ends is resumed, and nothing is lost.',
    watches('a watch cut in the middle of a line is resumed after the last whole one, without a snapshot'),
    watches('410 inside a stream leads to a snapshot that sweeps what it does not name'),
  ],
])
