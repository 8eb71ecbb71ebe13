/** The vocabulary of reflector: what its users rely on, its keys, its values and what it copies. */

import {
  auto,
  guide,
  left,
  lists,
  marks,
  pulling,
  pulls,
  reflector,
  reflectorMarks,
  reflectorSwitch,
  report,
  requests,
  spellings,
} from './files.ts'
import { section } from './row.ts'
import type { Behaviour } from './row.ts'

const KEPT = section('reflector/promises', [
  [
    'gate',
    '`reflection-allowed` gates everything.',
    'kept',
    'Without it nothing is pushed, nothing pulled, and nothing else is read.',
    reflector('reflector: reflection-allowed gates everything, pull and auto'),
    auto('when …, auto mirrors go at once, and come back when it is undone'),
    pulling('pulling needs reflection-allowed and the list, and no auto'),
  ],
  [
    'empty-list',
    'An empty list is all namespaces.',
    'kept',
    'So it is, the own one and protected ones aside.',
    reflector('reflector: an empty list, or none, allows all namespaces'),
    lists('without lists an origin goes to every namespace but its own, protected ones and the controller’s'),
  ],
  [
    'list-or-selector',
    'List or selector: one that holds suffices.',
    'kept',
    'The same, for both pairs.',
    reflector('reflector: …: the list or its selector must hold'),
    lists(
      'list or selector: one that holds suffices, a selector alone counts alone, and auto only chooses among the allowed',
    ),
  ],
  [
    'first-match',
    'A pattern holds when its first match is as long as the name.',
    'kept',
    'Exactly this rule.',
    reflector('reflector: a pattern holds when its first match is as long as the name'),
    lists('a pattern holds if what it finds first is as long as the name'),
  ],
  [
    'auto-form',
    'An automatic copy has its origin’s name and no labels.',
    'kept',
    'The same name; of labels none but our mark.',
    auto('an auto mirror has its origin’s name, type and data, and of labels and annotations only marks'),
  ],
  [
    'pull-form',
    'A pull mirror has any name, is never deleted, and keeps its last data when permission goes.',
    'kept',
    'The same.',
    pulling(
      'an object of any name that reflects is filled wholesale and bears the tool’s marks, in the origin’s own namespace too',
    ),
    pulling('permission that is revoked takes auto mirrors away and leaves pull mirrors their last data'),
    guide('kubectl delete of the origins takes the mirrors away and leaves what was pulled'),
  ],
  [
    'narrowing',
    'Narrowing and switching off delete automatic copies.',
    'kept',
    'They do, at once.',
    auto('when …, auto mirrors go at once, and come back when it is undone'),
    reflectorSwitch(
      'narrowing the list takes the copies outside away at once, and leaves a pull mirror its last data',
    ),
    reflectorSwitch('switching auto off takes the copies away at once, while who pulls is still served'),
    left('narrowing and switching off collect reflector’s copies as they do mirrors'),
  ],
  [
    'wholesale',
    'Data is replaced as a whole.',
    'kept',
    'The same, in both forms.',
    auto('an update replaces data wholesale, binary data too, and keys that left go'),
    reflector(
      'reflector: mirrors replace data wholesale and bear none of the origin’s labels and annotations',
    ),
  ],
  [
    'true-false',
    'It writes `True` and `False`.',
    'kept',
    'So do we, and read them in any case.',
    reflector('reflector: a pushed copy bears its four marks, the time as .NET writes it'),
    reflector('reflector: a pull mirror keeps the reflects of its owner and bears auto-reflects: False'),
    reflector('reflector: auto-reflects false or unparsable leaves a pull mirror, true in any case does not'),
  ],
  [
    'quoted-time',
    'Releases 6 and 7 wrote `reflected-at` in quotes.',
    'kept',
    'Such copies are recognised, and the mark stays until data is written.',
    reflector('reflector: its automatic copy names its origin, and is one that it would collect'),
    reflectorSwitch('their marks stay as they were beside ours, quoted times included'),
  ],
  [
    'blank-version',
    '`reflected-version: ""` asks for a fresh copy.',
    'kept',
    'The object is read and compared, put right where it is wrong, and the mark restored.',
    reflector('reflector: a blanked or removed reflected-version asks for a fresh copy, on mirrors only'),
    reflectorMarks(
      'a reflected-version that is … on a mirror is restored by one write, whatever else was changed',
    ),
    pulling(
      'a blanked reflected-version brings a fresh copy and is restored, also by an apply that declares it',
    ),
  ],
  [
    'guide',
    'The manifests of its guides.',
    'kept',
    'They work as they are: TLS Secrets, ConfigMaps and pull mirrors.',
    guide(
      'the TLS Secret of the guide is mirrored into app1, app2 and app3 and nowhere else, and follows a renewal',
    ),
    guide('the same as a ConfigMap, with auto for some of the allowed namespaces'),
    guide(
      'objects that reflect are filled under their own names, applied again they stay filled, and outside the list they stay empty',
    ),
  ],
])

const KEYS = section('reflector/keys', [
  [
    'annotations-only',
    'Keys are annotations; labels of their names are not read.',
    'kept',
    'The same.',
    reflector('reflector: keys of its old releases and labels mean nothing'),
    auto('labels of reflector’s keys mean nothing, nor do keys of its early versions'),
  ],
  [
    'kinds',
    'Secrets and ConfigMaps, nothing else.',
    'kept',
    'The same.',
    reflector('reflector: ConfigMaps are read as Secrets are'),
    guide('the same as a ConfigMap, with auto for some of the allowed namespaces'),
  ],
  [
    'reflection-allowed',
    'A boolean, false by default: the gate of everything.',
    'kept',
    'The same.',
    reflector('reflector: reflection-allowed gates everything, pull and auto'),
  ],
  [
    'reflection-allowed-namespaces',
    'A list of patterns that match whole names; none is all.',
    'kept',
    'The same.',
    reflector('reflector: a list is split at commas, its items are trimmed and empty ones dropped'),
    reflector('reflector: an empty list, or none, allows all namespaces'),
  ],
  [
    'reflection-allowed-namespaces-selector',
    'A label selector beside the list; alone, only it counts.',
    'kept',
    'The same.',
    reflector('reflector: …: the list or its selector must hold'),
    reflector('reflector: …: with the selector alone, only the selector counts; blank, it is not given'),
  ],
  [
    'reflection-auto-enabled',
    'A boolean, false by default: copies are made unasked.',
    'kept',
    'The same.',
    reflector(
      'reflector: auto needs reflection-auto-enabled, and reaches only namespaces that are allowed as well',
    ),
  ],
  [
    'reflection-auto-namespaces',
    'Which of the allowed namespaces get one; none is all of them.',
    'kept',
    'The same.',
    reflector(
      'reflector: auto needs reflection-auto-enabled, and reaches only namespaces that are allowed as well',
    ),
    reflector('reflector: a bad auto list does not matter while auto is off'),
  ],
  [
    'reflection-auto-namespaces-selector',
    'A label selector beside that list.',
    'kept',
    'The same.',
    reflector('reflector: …: the list or its selector must hold'),
    lists(
      'list or selector: one that holds suffices, a selector alone counts alone, and auto only chooses among the allowed',
    ),
  ],
  [
    'early',
    'Keys of release 5 and before are ignored.',
    'kept',
    'So they are, and the report lists them.',
    spellings('reflector: keys of its early releases and keys that were only proposed change nothing'),
    auto('labels of reflector’s keys mean nothing, nor do keys of its early versions'),
    report('… is told where it is so, and only there'),
  ],
  [
    'proposed',
    'Keys that were only ever proposed have no effect.',
    'kept',
    'They have none, and the report names what of ours does it.',
    spellings('reflector: keys of its early releases and keys that were only proposed change nothing'),
    report('… is told where it is so, and only there'),
  ],
])

const MARKS = section('reflector/marks', [
  [
    'reflects',
    'Written by an owner who asks, or by the tool on its copies; such an object is never an origin.',
    'kept',
    'The same; but an object that offers copies itself is an origin, whatever old marks of an automatic copy are on it.',
    reflector('reflector: an object that reflects another is never an origin'),
    reflector(
      'reflector: reflects asks to be filled, under any name, in any namespace, the origin’s own included',
    ),
    reflector('reflector: old marks on an origin change nothing: it stays an origin'),
  ],
  [
    'auto-reflects',
    '`True`: its own copy, which it may delete; else a pull mirror.',
    'kept',
    'The same.',
    reflector('reflector: auto-reflects false or unparsable leaves a pull mirror, true in any case does not'),
    reflector('reflector: marks of an automatic copy select no dialect'),
  ],
  [
    'reflected-version',
    'The origin’s version at the time of the copy, its only sign of a change.',
    'kept',
    'Written as before; whether a mirror is right is known by its content.',
    reflectorMarks('whoever goes back finds the tool’s marks right after creation and after a rotation'),
    reflector(
      'reflector: a pull mirror that it filled before is known by its version, and blank means afresh',
    ),
    pulls('what reflector filled is compared first, too'),
  ],
  [
    'reflected-at',
    'The time, with seven digits and +00:00; one that does not parse stops the tool.',
    'mended',
    'Written in the same form; what stands there is never read.',
    reflector('reflector: a pushed copy bears its four marks, the time as .NET writes it'),
    reflector('reflector: its automatic copy names its origin, and is one that it would collect'),
  ],
])

const VALUES = section('reflector/values', [
  [
    'booleans',
    '`true` and `false` in any case, trimmed; anything else is false.',
    'kept',
    'The same; what does not parse is told.',
    reflector('reflector: booleans are true and false in any case, blanks trimmed'),
    lists('booleans are read in any case and trimmed; what is none is false, and told'),
  ],
  [
    'strings',
    'Texts are trimmed.',
    'kept',
    'The same.',
    reflector(
      'reflector: reflects is split at slashes and trimmed; one part is flawed, none or three are no request',
    ),
    reflector('reflector: a list is split at commas, its items are trimmed and empty ones dropped'),
  ],
  [
    'list-split',
    'Lists are split at commas, items trimmed, empty ones dropped.',
    'kept',
    'The same.',
    reflector('reflector: a list is split at commas, its items are trimmed and empty ones dropped'),
  ],
  [
    'list-match',
    'The first match counts: `ns-1` is that name alone, `tss-*` is not `tss-a`, `a|ab` is not `ab`.',
    'kept',
    'The same.',
    reflector('reflector: a pattern holds when its first match is as long as the name'),
    lists('a pattern holds if what it finds first is as long as the name'),
  ],
  [
    'list-comma',
    'A comma cannot stand within a pattern.',
    'kept',
    'The same.',
    spellings('reflector: a comma parts items within a pattern as well, so x{1,3} counts nothing'),
  ],
  [
    'lookahead',
    'Lookahead is the advertised way to exclude.',
    'kept',
    'It works, in linear time.',
    reflector('reflector: look-ahead excludes'),
    lists('a lookahead excludes by name, as its users are told to write it'),
  ],
  [
    'bad-pattern',
    'A pattern that does not compile, `*` among them, stops every mirror of the tool.',
    'mended',
    'It holds its origin alone and an Event names the annotation; a lone `*` is a bad pattern here as well.',
    reflector(
      'reflector: a bad pattern in effect, a bare star among them, holds the origin and names its key',
    ),
    lists(
      'a bad pattern or selector holds its origin alone, pulls included, and says so; mended, it goes on',
    ),
  ],
  [
    'selector-forms',
    '`k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`; all must hold; no `>` and `<`.',
    'kept',
    'The same.',
    reflector(
      'reflector: selectors are of its own syntax: != holds without the label, of two equalities the last counts',
    ),
    reflector('reflector: …: a bad selector holds the origin and names its key'),
  ],
  [
    'selector-keys',
    'Keys and values are those of Kubernetes.',
    'kept',
    'The same.',
    spellings(
      'reflector: keys and values of a selector are as long as Kubernetes has them, and in needs a blank before it',
    ),
  ],
  [
    'selector-in',
    'Empty values within `in ()` are dropped; none left is an error.',
    'kept',
    'The same.',
    reflector(
      'reflector: selectors are of its own syntax: != holds without the label, of two equalities the last counts',
    ),
    reflector('reflector: …: a bad selector holds the origin and names its key'),
  ],
  [
    'selector-twice',
    'Of two equalities of one key the last counts.',
    'kept',
    'The same.',
    reflector(
      'reflector: selectors are of its own syntax: != holds without the label, of two equalities the last counts',
    ),
    lists(
      'list or selector: one that holds suffices, a selector alone counts alone, and auto only chooses among the allowed',
    ),
  ],
  [
    'selector-blank',
    'A blank selector is not given.',
    'kept',
    'The same.',
    reflector('reflector: …: with the selector alone, only the selector counts; blank, it is not given'),
  ],
  [
    'selector-error',
    'A selector that does not parse matches nothing, so copies are deleted.',
    'mended',
    'It holds the origin: copies stay until it is mended.',
    reflector('reflector: …: a bad selector holds the origin and names its key'),
    lists(
      'a bad pattern or selector holds its origin alone, pulls included, and says so; mended, it goes on',
    ),
  ],
  [
    'reflects',
    'Two parts are namespace and name; one part never works; anything else is no request.',
    'kept',
    'The same, and one part is told on the object.',
    reflector(
      'reflector: reflects is split at slashes and trimmed; one part is flawed, none or three are no request',
    ),
    reflector('reflector: a reflects that is no request leaves the object an origin'),
    pulling('a name without namespace is told; what the tool reads as no request is none'),
  ],
])

const COPIED = section('reflector/copied', [
  [
    'created',
    'Kind, type, `data`, `binaryData` and the four marks.',
    'kept',
    'The same, and our marks.',
    auto('an auto mirror has its origin’s name, type and data, and of labels and annotations only marks'),
    auto('an update replaces data wholesale, binary data too, and keys that left go'),
    marks('a new copy bears the marks of its origin’s tool, in that tool’s own format'),
  ],
  [
    'not-copied',
    'No labels, annotations, `immutable`, owners or finalizers.',
    'kept',
    'None of them either.',
    auto('an auto mirror has its origin’s name, type and data, and of labels and annotations only marks'),
    reflector(
      'reflector: mirrors replace data wholesale and bear none of the origin’s labels and annotations',
    ),
    requests('a new mirror has name, label, marks, type and data, and nothing more'),
  ],
  [
    'updated',
    'An update replaces `data` and `binaryData` as a whole and keeps other annotations.',
    'kept',
    'The same, but each request proves what it writes over.',
    auto('an update replaces data wholesale, binary data too, and keys that left go'),
    reflectorSwitch(
      'a rotation reaches each copy and pull mirror in place, with the tool’s marks as it writes them today',
    ),
    requests('a body is refused once the object has another uid, mark, digest or version of data'),
  ],
  [
    'type',
    'The type is never changed: a pull mirror of another type stays so.',
    'kept',
    'A pull mirror keeps its own type; data that the type forbids is not written, and told.',
    pulling('a pull mirror’s own type stays, and data that breaks its rules is not written'),
  ],
])

export const REFLECTOR_WORDS: readonly Behaviour[] = [...KEPT, ...KEYS, ...MARKS, ...VALUES, ...COPIED]
