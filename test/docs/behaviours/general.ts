/** What holds for the vocabularies of all tools: how one is chosen, what bounds them, how copies are taken over and how merging works. */

import {
  asking,
  attacks,
  consent,
  consentPlayed,
  defaults,
  eligibility,
  ends,
  hostile,
  hostilePlayed,
  kubed,
  kubedLife,
  kubedSwitch,
  left,
  lists,
  marks,
  merge,
  merging,
  mixed,
  pulls,
  pushing,
  reflector,
  reflectorHard,
  reflectorLeft,
  reflectorMarks,
  reflectorSettings,
  reflectorSwitch,
  replicator,
  replicatorSettings,
  replicatorSwitch,
  requests,
  scale,
  settings,
  sync,
  takeOver,
  together,
} from './files.ts'
import { section } from './row.ts'
import type { Behaviour } from './row.ts'

const VOCABULARIES = section('general', [
  [
    'which/order',
    'Each tool reads its own keys alone, so one object can mean something to several.',
    'mended',
    'One vocabulary counts: the first that has a claiming or asking key on the object, in the order ours, reflector, replicator, kubed, sync.',
    together(
      'the first dialect with a claiming key says what an object means: ours, reflector, replicator, kubed, sync',
    ),
    together(
      'the first dialect with an asking key says what an object is filled from, and the others are told as passed over',
    ),
    mixed('an object that offers in one vocabulary and asks in a later one is an origin, and is not filled'),
    mixed('an object that asks in one vocabulary and offers in a later one is filled, and is no origin'),
  ],
  [
    'which/claims',
    'Any of a tool’s keys may stand on an object, with or without effect.',
    'kept',
    'An object is an origin by the key on which that tool decides, and by no other.',
    together('every dialect claims by just the keys that are documented'),
  ],
  [
    'which/told',
    'Nobody is told.',
    'mended',
    'A Warning Event names one key of each vocabulary that is passed over.',
    mixed('of … and … on one object the first counts, and a Warning names the other'),
    together('the first claiming key of a dialect that is passed over is named'),
  ],
  [
    'which/ours-beside',
    'There are no such keys.',
    'kept',
    'Our own keys that modify an origin apply under whichever vocabulary counts.',
    together('our own keys apply in the dialect …'),
    together('a bad value of our own keys holds an origin in the dialect …'),
    together('paused holds an origin in the dialect …'),
    reflectorMarks('reflect-as, keys, labels and immutable apply to reflector’s origins'),
    pushing('our own keys apply under replicator’s words'),
  ],
  [
    'which/marks',
    'Marks of a tool lie on objects of which it made a copy.',
    'kept',
    'Marks select no vocabulary: an origin with old marks on it is an origin, never changed and never deleted.',
    together('marks of old copies select no dialect, all together as well'),
    mixed(
      'an origin that bears old marks of every tool works, and is neither changed nor deleted, restarts included',
    ),
    mixed('an origin whose old marks name another one is not overwritten by that one’s live claim'),
  ],
  [
    'which/settings',
    'A tool that does not run reads nothing; prefixes are fixed or patched.',
    'kept',
    'A setting says whose vocabularies are read, and one for each says its prefix.',
    settings('dialects says whose annotations are read beside our own, and a blank list nobody’s'),
    settings('each dialect has a prefix of its own, which may be moved'),
    together('… is not read where the settings leave it out'),
    together('… is read under the prefix of its setting, and under no other'),
    reflectorSettings('under another prefix only keys of that prefix are read and written'),
    replicatorSettings('another prefix is read and written instead'),
  ],
  [
    'bad/boolean',
    'A boolean that does not parse counts as its default, in silence.',
    'kept',
    'So it does here, and a Warning Event tells of it: `reflection-allowed: "no"` revokes.',
    reflector(
      'reflector: an unparsable boolean counts as false and is told, so that reflection-allowed: "no" revokes',
    ),
    replicator('replicator: an unparsable replication-allowed counts as false and is told'),
    sync('sync: an enabled that is neither true nor false counts as false and is told'),
  ],
  [
    'bad/pattern',
    'A bad pattern or selector matches nothing, is skipped, or stops the tool, as the case may be.',
    'mended',
    'It holds its origin, with all that is pulled from it, until it is mended; nothing is deleted meanwhile.',
    lists(
      'a bad pattern or selector holds its origin alone, pulls included, and says so; mended, it goes on',
    ),
    pushing('a bad pattern or selector holds its origin, and says so; others go on'),
    asking('a bad pattern in the list holds the origin, what is asked of it included, and says so'),
    kubedLife(
      'a selector that does not parse holds the origin: its copies stay as they are until it is mended',
    ),
  ],
  [
    'bad/hostile',
    'A tenant’s pattern can keep the engine busy for ever (reflector) or is linear (replicator).',
    'mended',
    'Every pattern is matched in linear time within a bound, look-around included; what cannot be is refused.',
    hostile('any pattern costs no more than its bound'),
    hostilePlayed(
      'another tenant’s origin is mirrored while a hundred hostile ones still wait for most of their mirrors',
    ),
    hostilePlayed(
      'what is beyond the bounds, or cannot be answered in linear time, is held with a reason that quotes nothing',
    ),
  ],
])

const BOUNDS = section('general/bounds', [
  [
    'protected',
    '`kube-*` and the tool’s own namespace are namespaces like others.',
    'mended',
    'They are never written to, in any vocabulary, unless the administrator allows them.',
    consent('protected namespaces are never targets, unless the administrator allows them'),
    consentPlayed(
      'protected namespaces, the controller’s own and the origin’s own are never targets, however they are named',
    ),
    lists('without lists an origin goes to every namespace but its own, protected ones and the controller’s'),
    pushing('a lone * is every namespace but the own one and the protected ones'),
    kubedLife('a bare sync goes to every namespace but the own one and the protected ones, new ones at once'),
  ],
  [
    'consent',
    'A namespace is not asked.',
    'mended',
    'What a Namespace accepts and refuses binds origins of every vocabulary, and so does the setting that requires consent.',
    reflectorSettings(
      'consent that is required binds reflector’s origins: a copy where nobody accepted stays as it is, and is taken over once somebody does',
    ),
    replicatorSettings(
      'where consent is required nothing is merged without it; what a namespace’s owner asks for is his own consent',
    ),
    merging('a namespace that refuses takes the origin’s keys away and leaves the others'),
  ],
  [
    'never-origins',
    'Whatever bears the key is an origin.',
    'mended',
    'What may not be an origin is none in any vocabulary: mirrors, what belongs to the controller, kinds and namespaces that the settings exclude.',
    together('an object that may not be an origin is none in any dialect'),
    together('a mirror of ours offers nothing in any dialect, and its offers are told as ignored'),
    eligibility('what belongs to the controller in its own namespace is never an origin'),
  ],
  [
    'never-written',
    'Any name and any metadata may be written.',
    'mended',
    'Names that the platform writes are refused, and metadata by which other software owns, finds or trusts an object is not carried.',
    together('names that the platform writes are refused in the dialect …'),
    together(
      'fixed labels and annotations cannot give a mirror a key of any dialect, whether it is read or not',
    ),
    defaults('never carried are the marks by which other tools own, group or find the origin'),
    defaults('refused keys are those that make other software trust an object'),
  ],
])

const ADOPTION = section('general/copies', [
  [
    'recognised',
    'A tool knows its copies by its own marks.',
    'kept',
    'A copy that a present claim wants is recognised by them.',
    reflector('reflector: its automatic copy names its origin, and is one that it would collect'),
    replicator('replicator: its copy names no origin, only the keys that it wrote, and is never collected'),
    kubed('kubed: its copy names its origin, and is never collected'),
  ],
  [
    'equal',
    'No tool takes over what another made.',
    'mended',
    'Copy and origin are compared; where they are equal, one patch of metadata takes it over and no data is written.',
    left('an equal copy of any tool is taken over by one write that touches no data'),
    reflectorSwitch(
      'the first start writes one metadata patch to each copy that a live origin claims, and deletes the orphan alone',
    ),
    replicatorSwitch(
      'each proven copy is taken over by one patch of its metadata, and nothing else is written',
    ),
    kubedSwitch(
      'every claimed copy is taken over by exactly one metadata patch: no data write, no deletion, the same uids',
    ),
  ],
  [
    'different',
    'Nor does it compare.',
    'mended',
    'Where they differ, one ordinary update brings the origin’s data, in place: no copy is deleted and made again.',
    left('a differing copy is taken over by one ordinary update, in place'),
    reflectorLeft(
      'a stale copy is brought up to date by one ordinary update, in place, and is an ordinary mirror afterwards',
    ),
    kubedLife('a copy that differs from its origin is brought up to date in place, by one write'),
  ],
  [
    'one-pass',
    'At each start everything is looked at again, as fast as it goes.',
    'mended',
    'It is one pass whose rate is a setting; once a copy is taken over, nothing more is done about it.',
    scale(
      'each copy is read once and gets one metadata patch; no data is written, nothing is made or deleted',
    ),
    scale('a change of another origin is served while the pass over all copies is under way'),
    reflectorSwitch('a restart afterwards writes nothing at all'),
    replicatorSwitch('a restart writes nothing'),
    kubedSwitch('a restart changes nothing'),
    reflectorHard(
      'a controller that is killed in the midst of the pass leaves each copy taken over or as it was, and the next one ends the pass',
    ),
  ],
  [
    'marks-stay',
    'Marks say what a copy was made from.',
    'kept',
    'A tool’s marks stay beside ours, in its own format, so that going back is possible.',
    left('the tool’s marks stay as it wrote them where nothing but marks was written'),
    reflectorSwitch('their marks stay as they were beside ours, quoted times included'),
    reflectorMarks('whoever goes back finds the tool’s marks right after creation and after a rotation'),
    reflector(
      'reflector: a copy that we marked is one that reflector would know again, so that going back is possible',
    ),
    kubed('kubed: a copy that we marked is one that kubed would know again'),
  ],
  [
    'marks-when',
    'Marks are written with each copy.',
    'kept',
    'They are written at creation, together with data, and to restore a blanked version mark; never alone.',
    marks('a new copy bears the marks of its origin’s tool, in that tool’s own format'),
    marks('a data write brings the tool’s marks up to date, a write of metadata alone leaves them'),
    marks('a version of the origin that changes no byte writes no mark of its tool'),
    marks('a blanked or deleted version mark is restored with a verifying read and no data'),
    reflectorMarks(
      'no mark is written alone: a change of the origin’s metadata, and a restart, write nothing',
    ),
  ],
  [
    'times',
    'Marks hold the time of the copy.',
    'kept',
    'They do, and are the only times that we write: none of our own marks holds one.',
    reflector('reflector: a pushed copy bears its four marks, the time as .NET writes it'),
    replicator('replicator: a copy bears its three marks, the time as RFC 3339 and the keys sorted'),
    requests('a new mirror has name, label, marks, type and data, and nothing more'),
  ],
  [
    'marks-end',
    'Marks stay on what a copy is left as.',
    'mended',
    'What is left to its owner loses every tool’s marks with ours, so that no tool collects it later.',
    marks(
      'retaining, releasing and stripping take off every tool’s marks, and nothing else that is not ours',
    ),
    together('marks of every tool are known, so that they go when a copy is left to its owner'),
  ],
])

const PROOF = section('general/proof', [
  [
    'named',
    'Marks of reflector and kubed name the origin; whoever writes them has a copy.',
    'mended',
    'Such a copy is taken over by the live claim of the origin that they name, and by nobody else.',
    left('only the origin that the marks name may take the copy over'),
    attacks(
      'copies that reflector and kubed made are taken over by the origin that their marks name, and by no other',
    ),
    reflectorLeft(
      'a copy that names one origin is not captured by another of the same name, and goes to its own when that claims it',
    ),
  ],
  [
    'unnamed',
    'Marks of replicator name no origin, so any origin of the name takes the copy.',
    'mended',
    'Only the sole origin that claims it takes it over, if the copy asks for nothing and every replicated key equals that origin’s now.',
    left('marks that name no origin prove one only by every byte that they speak of'),
    left('a copy that names no origin is nobody’s where two claim it'),
    replicator(
      'replicator: marks that prove nothing: no keys, an empty list, or an object that asks to be filled',
    ),
    attacks(
      'replicate-to captures no copy of another origin: while both claim it, it is nobody’s, and then its own origin’s',
    ),
  ],
  [
    'unproven',
    'What looks like a copy is written.',
    'mended',
    'What is not proven stays somebody else’s object, untouched, and Event MirrorBlocked tells of it.',
    replicatorSwitch('what proves nothing stays untouched and is told where it stands'),
    replicatorSettings(
      'a copy that claims nothing but an empty list of keys is nobody’s until its owner says so',
    ),
    kubedLife(
      'a reference to an origin of another name is no mark of kubed’s, though that origin claims the place',
    ),
  ],
  [
    'declared',
    'A copy that its owner applies as his own is overwritten.',
    'mended',
    'It is left to him: neither taken over nor collected.',
    left('a copy that its owner declared as his own is neither taken over nor collected'),
    reflectorLeft('a copy that its owner declared as his own since is left to him'),
    kubedLife('a copy that its owner has since applied as his own is not taken over'),
  ],
  [
    'orphans-reflector',
    'reflector deletes an automatic copy whose origin is gone or allows it no more.',
    'kept',
    'It is collected, as a mirror of ours is: after a confirmation, and with the brake on mass deletions.',
    left(
      'reflector’s copies without an origin that allows them are collected: seen after the grace, unseen when confirmed',
    ),
    reflectorLeft('a copy whose origin … is collected'),
    reflectorLeft('orphans beyond the brake wait for a person, and none is deleted'),
    reflectorLeft(
      'a copy stays whose origin is held, lies in an excluded namespace, or whose Namespace refuses it',
    ),
  ],
  [
    'orphans-others',
    'Copies of the others that nobody claims stay, or go with their origin’s annotation.',
    'kept',
    'They stay and Event CopyLeft tells of them; they are never collected.',
    left('copies of the other tools, and what only resembles reflector’s, are never collected'),
    kubedSwitch(
      'copies that no claim wants stay untouched and are told, those in protected namespaces as well',
    ),
    replicatorSwitch('what proves nothing stays untouched and is told where it stands'),
  ],
])

const MERGING = section('general/merging', [
  [
    'covers',
    'replicator writes its origin’s keys into a target that may hold others.',
    'kept',
    'Writes, repairs and the digest concern the keys of `replicated-keys` alone.',
    merge('an edit of a merged key is put back, an edit of another is its owner’s business'),
    merge('for any object and origin, no key outside the mark and the origin’s own is ever changed'),
    merging(
      'keys that others put beside the origin’s stay through rotations, edits and restarts, and are no drift',
    ),
    ends('a digest tells a whole mirror from a merged one, whatever the mark of merged keys says'),
  ],
  [
    'claim-ends',
    'Replicated keys go with the origin, if the copy is visited at all.',
    'mended',
    'Whenever the claim ends these keys go, where the object’s type allows; else the object stays whole.',
    merge('the end takes the merged keys out and leaves the rest to its owner, without any tool’s marks'),
    merge('keys that the object’s type needs stay, and it is left whole to its owner'),
    ends('a type keeps the keys without which the server refuses it'),
    merging('where the type needs the origin’s keys the copy stays whole, without our marks and the tool’s'),
  ],
  [
    'pull-ends',
    'All data of a pull target goes with its origin.',
    'mended',
    'Its replicated keys go once the origin is seen to go, where the type allows; an end that nobody saw takes nothing.',
    pulls('when the origin is seen to go, what came from it goes after the grace, and the rest stays'),
    pulls('a type that needs the keys keeps them when the origin goes'),
    asking('when the origin is seen to go only its keys go, and they come back with it'),
    asking('an origin that was deleted while nobody looked leaves the last data'),
  ],
  [
    'deleted',
    'An object whose keys are exactly the replicated ones is deleted, whoever made it.',
    'mended',
    'Only a pushed copy that we made or took over by its marks is deleted, and only if it holds no other key.',
    merge('what holds nothing else goes as a whole, unless it was adopted'),
    merging(
      'a copy that holds nothing else is deleted when its claim ends, one that does loses the origin’s keys alone',
    ),
    takeOver(
      'at the end only the origin’s keys and labels go; the object is never deleted, though nothing is left in it',
    ),
  ],
])

export const GENERAL: readonly Behaviour[] = [...VOCABULARIES, ...BOUNDS, ...ADOPTION, ...PROOF, ...MERGING]
