/** What reflector does event by event, and what its users complain of. */

import {
  auto,
  hostilePlayed,
  left,
  lists,
  migrate,
  mixed,
  plan,
  pulling,
  pulls,
  reflector,
  reflectorLeft,
  reflectorMarks,
  reflectorSettings,
  reflectorSwitch,
  renderings,
  report,
} from './files.ts'
import { section } from './row.ts'
import type { Behaviour } from './row.ts'

const EVENTS = section('reflector/events', [
  [
    '1',
    'For each change of an origin it lists all namespaces and all objects of the name, and writes one after the other.',
    'mended',
    'Watches tell what changed; the origin is read once for all its mirrors, and each is written once.',
    plan('a rotation is written once to each mirror'),
    renderings('turns that ask at once share one GET, and a version that is held is not read again'),
  ],
  [
    '2',
    'An unmanaged object of the name is skipped without a word; on an event of its namespace it is overwritten, or deleted later.',
    'mended',
    'It is never touched, and Events on it and on the origin say so.',
    auto(
      'an unmanaged object of the name stays untouched when its origin comes, when its namespace is relabelled and when the origin goes',
    ),
    reflectorSwitch(
      'what is foreign or stands in a protected namespace is untouched and told where it stands',
    ),
  ],
  [
    '3',
    'Of two origins of one name the last namespace event decides.',
    'mended',
    'The holder keeps the place, and the other is told.',
    auto('of two origins of one name the holder keeps the place, whatever namespace events come'),
  ],
  [
    '4',
    'A pull mirror of the origin’s own name is deleted, or taken over, when auto is on.',
    'mended',
    'It stays a pull mirror and is never deleted.',
    auto(
      'a pull mirror of the origin’s name survives auto on and off, inside the list and outside, and its origin’s deletion',
    ),
  ],
  [
    '5',
    'A new namespace gets its copies at once.',
    'kept',
    'The same.',
    lists(
      'a namespace that is created or relabelled into the selector gets its mirrors, and loses them when relabelled out',
    ),
  ],
  [
    '6',
    'A relabelled namespace gains and loses copies; some origins can miss the change.',
    'mended',
    'Every origin sees it.',
    lists(
      'a namespace that is created or relabelled into the selector gets its mirrors, and loses them when relabelled out',
    ),
  ],
  [
    '7',
    'When a namespace is deleted, nothing is done.',
    'kept',
    'The same.',
    plan('nothing is done in a namespace that is not there, or that is going'),
  ],
  [
    '8',
    'When an origin is deleted its copies are, unless one of them is missing: then the rest stays until a restart.',
    'mended',
    'All go, also when it was deleted while nothing ran.',
    auto(
      'an origin’s deletion deletes every mirror, though one was deleted by hand before, and also while nothing ran',
    ),
    reflectorSwitch('deleting an origin deletes its copy'),
  ],
  [
    '9',
    'When permission goes or the allowed list narrows, copies go at once.',
    'kept',
    'The same.',
    auto('when …, auto mirrors go at once, and come back when it is undone'),
  ],
  [
    '10',
    'When auto is switched off, copies stay for up to an hour.',
    'mended',
    'They go at once.',
    auto('when …, auto mirrors go at once, and come back when it is undone'),
    reflectorSwitch('switching auto off takes the copies away at once, while who pulls is still served'),
  ],
  [
    '11',
    'When the auto list narrows, copies go at once.',
    'kept',
    'The same.',
    auto('when …, auto mirrors go at once, and come back when it is undone'),
  ],
  [
    '12',
    'A copy that is edited by hand stays so until its origin changes.',
    'mended',
    'It is put right at once.',
    auto('an edit of a mirror is put back and a deletion made good, though the origin says nothing new'),
    reflectorMarks(
      'a reflected-version that is … on a mirror is restored by one write, whatever else was changed',
    ),
  ],
  [
    '13',
    'A copy that is deleted by hand is missing until its origin changes.',
    'mended',
    'It is made again at once.',
    auto('an edit of a mirror is put back and a deletion made good, though the origin says nothing new'),
  ],
  [
    '14',
    'Where the pattern matches the own namespace, a later narrowing deletes the origin itself.',
    'mended',
    'The own namespace is never a target, and an origin is never written.',
    lists(
      'an origin in whose own namespace the pattern matches is never written nor deleted, narrowed or not',
    ),
  ],
  [
    '15',
    'A pull needs permission and the list; data is replaced as a whole; it is never deleted.',
    'kept',
    'The same.',
    pulling('pulling needs reflection-allowed and the list, and no auto'),
    pulling(
      'an object of any name that reflects is filled wholesale and bears the tool’s marks, in the origin’s own namespace too',
    ),
  ],
  [
    '16',
    'A pull mirror that is there before its origin stays empty for up to an hour.',
    'mended',
    'It is filled as soon as the origin appears.',
    pulling(
      'an object that asks before its origin is there is filled at once when it comes, and again when it is created anew',
    ),
  ],
  [
    '17',
    'When the origin goes a pull mirror keeps its data, and is stale once the origin is created again.',
    'mended',
    'It keeps its data and follows the new origin at once.',
    pulling(
      'an object that asks before its origin is there is filled at once when it comes, and again when it is created anew',
    ),
    pulls('what reflector or our own words fill keeps its last data when the origin is seen to go'),
  ],
  [
    '18',
    'When permission goes a pull mirror keeps its last data.',
    'kept',
    'The same.',
    pulling('permission that is revoked takes auto mirrors away and leaves pull mirrors their last data'),
  ],
  [
    '19',
    'When `reflects` is changed or removed the former origin still writes, and puts the annotation back.',
    'mended',
    'The present value alone counts.',
    pulling('when reflects is changed only the new origin counts, and when it is removed none does'),
  ],
  [
    '20',
    'A re-apply that blanks the data is repaired only with `reflected-version: ""`, and not under server-side apply.',
    'mended',
    'It is put right in every case, and the annotation works under server-side apply.',
    pulling('an edit, and a re-apply that blanks the data, are put back at once'),
    pulling(
      'a blanked reflected-version brings a fresh copy and is restored, also by an apply that declares it',
    ),
  ],
  [
    '21',
    'A pull mirror may be pulled from in turn, but changes do not come through.',
    'mended',
    'No mirror is an origin; what it offers is told as ignored, so offer the first origin to all.',
    pulling('a pull mirror is never an origin: what it offers is ignored and told'),
  ],
  [
    '22',
    'An origin that is created again with another type gets a new copy, unless its deletion was missed.',
    'mended',
    'It gets a mirror of that type, seen or not.',
    auto('an origin that is created again with another type gets mirrors of that type, seen or not'),
    left('a type that cannot become the origin’s leaves the copy as it is, and says so'),
  ],
  [
    '23',
    'A copy that was made immutable fails for ever; `immutable` is not passed on.',
    'mended',
    'A mirror of ours is replaced; `immutable` is not passed on.',
    auto('a mirror that somebody made immutable is replaced, so that a rotation arrives'),
    auto('an auto mirror has its origin’s name, type and data, and of labels and annotations only marks'),
  ],
  [
    '24',
    'Secrets of Helm releases are ignored.',
    'kept',
    'The same.',
    auto('a release of Helm is never an origin, whatever it is annotated with'),
  ],
  [
    '25',
    'In excluded namespaces its annotations mean nothing, and copies are still made into them.',
    'kept',
    'The same, by the setting `reflectorExcludedNamespaces`.',
    lists('in excluded namespaces reflector’s annotations are left alone, while mirrors still go there'),
    reflector(
      'reflector: in excluded namespaces its keys mean nothing on origins and pull mirrors, and nothing happens there',
    ),
    reflector('reflector: a copy of an origin in an excluded namespace is not collected'),
  ],
  [
    '26',
    'Writes into a namespace that is being deleted fail.',
    'mended',
    'Nothing is written there.',
    plan('nothing is done in a namespace that is not there, or that is going'),
  ],
  [
    '27',
    'Around a restart copies of origins that go by labels can be deleted, and come back later.',
    'mended',
    'A restart deletes nothing.',
    lists('a restart deletes nothing of an origin that goes by labels'),
  ],
  [
    '28',
    'A list of commas and blanks alone is given and matches nothing.',
    'kept',
    'The same.',
    reflector('reflector: a list made only of commas and blanks counts as given and matches nothing'),
    lists('a list of commas and blanks is given and matches nothing, in either list'),
  ],
])

const MENDED = section('reflector/complaints', [
  [
    'bad-regex',
    'One bad pattern stops every mirror.',
    'mended',
    'That origin alone is held, and says so.',
    lists(
      'a bad pattern or selector holds its origin alone, pulls included, and says so; mended, it goes on',
    ),
    lists(
      'what is not in effect holds nothing: lists of auto while it is off, any list while nothing is allowed',
    ),
    hostilePlayed(
      'what is beyond the bounds, or cannot be answered in linear time, is held with a reason that quotes nothing',
    ),
  ],
  [
    'unmanaged',
    'An unmanaged object of the name is overwritten, or deleted later.',
    'mended',
    'Never, unless its owner writes `adopt` on it.',
    auto(
      'an unmanaged object of the name stays untouched when its origin comes, when its namespace is relabelled and when the origin goes',
    ),
    left('the owner’s own word names another origin than the tool’s marks, and counts'),
    plan('adopt permits the take-over by the origin that it names, while its live claim names the object'),
  ],
  [
    'own-namespace',
    'The own namespace in the pattern: the origin is overwritten or deleted.',
    'mended',
    'The own namespace is never a target.',
    lists(
      'an origin in whose own namespace the pattern matches is never written nor deleted, narrowed or not',
    ),
  ],
  [
    'system-namespaces',
    '`kube-*` and the tool’s own namespace are targets.',
    'mended',
    'They are protected; copies that were left there stay untouched, and the report lists them.',
    reflectorSwitch(
      'what is foreign or stands in a protected namespace is untouched and told where it stands',
    ),
    left('where the namespace does not let us write, a copy stays as it is, with and without its origin'),
    pulling('in a protected namespace reflects is not heard, and a Namespace’s refusal binds pushes only'),
    migrate('a cluster with one of each: every difference is named, nothing is written, no value is seen'),
  ],
  [
    'pull-deleted',
    'A pull mirror of the origin’s name is deleted when auto is on.',
    'mended',
    'A pull mirror is never deleted.',
    auto(
      'a pull mirror of the origin’s name survives auto on and off, inside the list and outside, and its origin’s deletion',
    ),
    report('… is told where it is so, and only there'),
  ],
  [
    'pull-first',
    'Pull mirror first, origin later: up to an hour.',
    'mended',
    'At once.',
    pulling(
      'an object that asks before its origin is there is filled at once when it comes, and again when it is created anew',
    ),
  ],
  [
    'by-hand',
    'Edits and deletions by hand are not repaired.',
    'mended',
    'They are.',
    auto('an edit of a mirror is put back and a deletion made good, though the origin says nothing new'),
    pulling('an edit, and a re-apply that blanks the data, are put back at once'),
  ],
  [
    'turned',
    'A changed or removed `reflects` is still obeyed.',
    'mended',
    'The present value alone counts.',
    pulling('when reflects is changed only the new origin counts, and when it is removed none does'),
  ],
  [
    'forged',
    'Marks can be written by a tenant on his own object.',
    'mended',
    'They bring him nothing, and name nothing that is touched elsewhere.',
    reflectorLeft(
      'marks that a tenant forges on his own object bring him nothing of an origin that does not allow him',
    ),
    reflectorLeft(
      'marks that name a neighbour’s object make nothing ours, and what they name is never touched',
    ),
    mixed(
      'old tools’ marks that are planted on our mirror change nothing about whose it is, and it goes with its origin',
    ),
  ],
  [
    'off',
    'The tool does not run.',
    'kept',
    'With its vocabulary switched off, its objects are nothing to us; switched on, all is taken up.',
    reflectorSettings(
      'where reflector’s vocabulary is not read its origins, copies and requests are nothing to us, and are all taken up once it is',
    ),
  ],
  [
    'cleaned-up',
    'Without annotations, its copies go at the next restart at the latest.',
    'kept',
    'They go at once; pull mirrors and what was never ours stay.',
    reflectorSwitch('without annotations nothing of ours is left; pull mirrors and what was never ours stay'),
  ],
])

export const REFLECTOR_EVENTS: readonly Behaviour[] = [...EVENTS, ...MENDED]
