/** Judges every act as it is done, and the world at rest, by the promises; each sentence of a verdict names the promise that it breaks. */

import assert from 'node:assert/strict'

import { keyOf, refOf } from '../../../src/core/names.ts'
import type { ObjectKey } from '../../../src/core/names.ts'
import { leavesOf, manifestOf } from './cluster.ts'
import type { Manifest, Stored } from './cluster.ts'
import { P, contentText, isDeclared, ownedBy, pathOf, strippedMark } from './lawbook.ts'
import type { Lawbook, Origin, Wanted } from './lawbook.ts'
import type { Act, Rig } from './rig.ts'

/** What we last wrote on an object: the truth that its digest only speaks of. */
interface Written {
  readonly origin: string
  readonly content: string
  readonly carried: string
  readonly digest: string
}

export class Judge {
  readonly #rig: Rig
  readonly #law: Lawbook
  readonly #written = new Map<string, Written>()
  /** Uids of objects that others made and let us take over: never deleted, whatever happens to their marks by our own hand. */
  readonly theirs = new Set<string>()
  /** Every mirror was verified since the last change. */
  isSwept = false

  constructor(rig: Rig, law: Lawbook) {
    this.#rig = rig
    this.#law = law
  }

  /** One act, right after it was done. */
  act(act: Act): void {
    const { before, after, decision, key } = act
    const { namespace } = refOf(key)
    const about = this.#law.namespaces.get(namespace)
    assert.ok(about !== undefined && !about.terminating, 'nothing is written in a namespace that is going')
    if (before !== null) {
      assert.ok(!before.deleting, 'an object that is being deleted is not written')
      assert.ok(!this.#wasOrigin(act), `3: an origin is never modified or deleted (${decision.kind} ${key})`)
    }
    if (act.failure !== null) {
      assert.equal(after, before, 'a refused request changes nothing')
      return
    }
    switch (decision.kind) {
      case 'create':
      case 'update':
        return this.#wrote(act)
      case 'fill':
        return this.#filled(act)
      case 'remove':
        return this.#removed(act)
      case 'replace':
        return this.#replaced(act)
      case 'retain':
        return this.#retained(act)
      case 'release':
        return this.#released(act)
      case 'strip':
        return assert.fail('nothing is merged in the worlds that are judged here')
    }
  }

  /** The world at rest, with nothing in the way. */
  rest(): void {
    for (const key of this.#rig.places()) {
      const { namespace } = refOf(key)
      const about = this.#law.namespaces.get(namespace)
      const stored = this.#rig.cluster.get(key)
      if (about === undefined || about.terminating || stored?.deleting === true) continue
      if (stored === null) this.#restsEmpty(key)
      else if (this.#law.origin(key) !== null) continue
      else if (ownedBy(stored) !== null) this.#restsOurs(key, stored)
      else if (manifestOf(stored).annotations[`${P}reflect-from`] !== undefined) this.#restsPull(key, stored)
      else this.#restsForeign(key, stored)
    }
  }

  /** Whether the object, as it was before the act, was an origin: judged with the cluster as it was. */
  #wasOrigin({ key, before, after }: Act): boolean {
    const { objects } = this.#rig.cluster
    if (before === null) return false
    objects.set(key, before)
    const origin = this.#law.origin(key)
    if (after === null) objects.delete(key)
    else objects.set(key, after)
    return origin !== null
  }

  #wrote({ key, decision, before, after }: Act): void {
    assert.ok(after !== null && 'origin' in decision)
    const { namespace } = refOf(key)
    const origin = this.#law.origin(decision.origin)
    assert.ok(origin !== null, '2: only a live origin is mirrored')
    assert.ok(!this.#law.isHeld(origin), 'nothing is written for a held origin')
    assert.ok(this.#law.claims(origin, key), '2: only what an origin claims is written')
    const consent = this.#law.consent(namespace, origin.path)
    assert.ok(consent === 'declared' || consent === 'granted', '2: only with consent')
    if (before !== null) this.#mayOverwrite(key, before, origin)
    const wanted = this.#law.wanted(origin)
    assert.ok(wanted !== null, 'a version that may not be distributed is not written')
    this.#holds(after, wanted, key)
    assert.equal(ownedBy(after), origin.key, 'what we write is marked as ours')
    this.#marksAgree(after, origin)
    if (before !== null) keepsForeign(before, after)
    if (decision.kind === 'update' && decision.reason === 'adopt') this.theirs.add(after.uid)
    this.#note(after, origin.path, wanted)
  }

  #mayOverwrite(key: ObjectKey, before: Stored, origin: Origin): void {
    const holder = ownedBy(before)
    const { annotations } = manifestOf(before)
    if (holder === null) {
      assert.ok(
        this.#consents(before, origin.path) || this.#isProven(before, origin.path),
        `1: an object that is not ours is never changed (${key})`,
      )
      return
    }
    if (holder === origin.key) return
    const held = this.#law.origin(holder)
    assert.ok(this.#law.isTrusted(origin.path), 'only a trusted origin displaces a holder')
    assert.ok(held === null || !this.#law.isHeld(held), 'what a held origin holds is frozen')
    assert.equal(annotations[`${P}origin`] === origin.path, false)
  }

  #filled({ key, decision, before, after }: Act): void {
    assert.ok(before !== null && after !== null && 'origin' in decision)
    const origin = this.#law.origin(decision.origin)
    const { namespace } = refOf(key)
    const now = manifestOf(before)
    assert.ok(!namespace.startsWith('kube-'), 'nothing is filled in a protected namespace')
    assert.ok(
      origin !== null && !this.#law.isHeld(origin),
      'an object is filled from a live origin that is not held',
    )
    assert.equal(
      now.annotations[`${P}reflect-from`],
      origin.path,
      '1: only what asks for this origin is filled',
    )
    assert.ok(mayPull(origin, namespace), 'only who is allowed may pull')
    const wanted = this.#law.wanted(origin)
    assert.ok(wanted !== null, 'a version that may not be distributed is not filled in')
    this.#holds(after, { ...wanted, type: now.type, immutable: now.immutable }, key)
    const { annotations, labels } = manifestOf(after)
    assert.equal(annotations[`${P}pulled-from`], origin.path)
    for (const name of ['origin', 'at', 'origin-uid', 'origin-version'])
      assert.equal(annotations[P + name], undefined, `a pull mirror never bears ${name}`)
    assert.equal(labels[`${P}mirror`], undefined, 'a pull mirror never bears the label')
    keepsForeign(before, after)
  }

  #removed(act: Act): void {
    const { key, before } = act
    assert.ok(before !== null)
    const holder = this.#ended(act)
    const { annotations } = manifestOf(before)
    const isTheirs = this.theirs.has(before.uid) || annotations[`${P}adopted`] === 'true'
    assert.ok(!isTheirs, '1: consent to be written is no consent to be deleted')
    const isRefused = this.#law.consent(refOf(key).namespace, pathOf(holder)) === 'refused'
    assert.ok(isRefused || !this.#retains(before, holder), 'what is to be retained is not deleted')
  }

  #replaced({ before, asked, decision }: Act): void {
    assert.ok(before !== null && 'origin' in decision)
    const holder = ownedBy(before)
    const isTheirs = holder === decision.origin || this.#law.isTrusted(pathOf(decision.origin))
    assert.ok(holder !== null && isTheirs, '1: only ours is replaced')
    assert.notEqual(
      manifestOf(before).annotations[`${P}adopted`],
      'true',
      '1: what was adopted is never deleted',
    )
    assert.ok(asked.includes('update'), 'a mirror is replaced only after an update was refused')
  }

  #retained(act: Act): void {
    const { key, before, after } = act
    assert.ok(before !== null && after !== null)
    const holder = this.#ended(act)
    const was = manifestOf(before)
    const now = manifestOf(after)
    const isRefused = this.#law.consent(refOf(key).namespace, pathOf(holder)) === 'refused'
    const isAdopted = was.annotations[`${P}adopted`] === 'true'
    assert.ok(isAdopted || (!isRefused && this.#retains(before, holder)), 'only what is to be retained stays')
    assert.deepEqual(now.data, was.data)
    assert.equal(now.labels[`${P}mirror`], undefined)
    assert.equal(now.annotations[`${P}retained`], pathOf(holder))
    assert.equal(now.annotations[`${P}at`], pathOf(key))
    for (const name of ['origin', 'origin-uid', 'origin-version', 'digest', 'carried', 'on-delete'])
      assert.equal(now.annotations[P + name], undefined, `${name} goes`)
    keepsForeign(before, after)
  }

  #released({ key, before, after, observation }: Act): void {
    assert.ok(before !== null && after !== null)
    const proven = observation.claims.find(({ origin }) => this.#isProven(before, pathOf(origin.key)))
    const holder = ownedBy(before) ?? proven?.origin.key
    assert.ok(holder !== undefined, '1: only ours is released')
    assert.ok(isDeclared(before), 'only what its owner declares as his own is released')
    assert.notEqual(this.#law.consent(refOf(key).namespace, pathOf(holder)), 'declared')
    assert.deepEqual(manifestOf(after).data, manifestOf(before).data, 'his data stays')
    const { labels, annotations } = manifestOf(after)
    const marks = [...Object.keys(labels), ...Object.keys(annotations)].filter((name) => name.startsWith(P))
    const theirs = ['adopt', 'reflect-to', 'allow-pull', 'reflect-from'].map((name) => P + name)
    assert.deepEqual(
      marks.filter((name) => MARKS.includes(name) && !theirs.includes(name)),
      [],
    )
    keepsForeign(before, after, false)
  }

  /** The origin whose claim on the object ended; every end that nobody saw was confirmed. */
  #ended({ key, before, asked, observation }: Act): ObjectKey {
    assert.ok(before !== null)
    const holder = ownedBy(before)
    assert.ok(holder !== null, '1: an object that is not ours is never deleted, nor its marks removed')
    const origin = this.#law.origin(holder)
    const consent = this.#law.consent(refOf(key).namespace, pathOf(holder))
    assert.notEqual(consent, 'frozen', 'what is under a malformed consent is frozen')
    if (consent !== 'refused') {
      assert.ok(origin === null || !this.#law.isHeld(origin), 'what a held origin holds is frozen')
      assert.ok(origin === null || !this.#law.claims(origin, key), '2: what is claimed stays')
    }
    if (observation.end.witness === 'inferred') {
      assert.ok(asked.includes('confirm-origin'), '10: an inferred end is confirmed first')
      assert.equal(this.#rig.isUnreadable, false, '10: what cannot be confirmed is kept')
      assert.equal(this.#rig.brake, 'open', '10: the brake holds inferred ends')
    } else if (consent !== 'refused' && this.#rig.cluster.get(holder) === null) {
      const { atMs } = observation.end
      assert.ok(this.#rig.nowMs >= atMs + this.#rig.rules.graceMs, 'an origin that went has its grace')
    }
    return holder
  }

  #retains(mirror: Stored, holder: ObjectKey): boolean {
    const origin = this.#law.origin(holder)
    if (origin !== null) return origin.spec.retain
    const there = this.#rig.cluster.get(holder) ?? mirror
    return manifestOf(there).annotations[`${P}on-delete`] === 'retain'
  }

  #consents(stored: Stored, path: string): boolean {
    const { annotations, labels } = manifestOf(stored)
    if (annotations[`${P}adopt`] === path) return true
    const isHere = annotations[`${P}at`] === pathOf(keyOf(stored.ref))
    return annotations[`${P}retained`] === path && isHere && labels[`${P}mirror`] === undefined
  }

  /** Two marks are left and everything that we wrote is as we wrote it. */
  #isProven(stored: Stored, path: string): boolean {
    const written = this.#written.get(stored.uid)
    return (
      strippedMark(stored, path) !== null &&
      written?.origin === path &&
      written.content === contentText(manifestOf(stored)) &&
      written.carried === carriedText(stored) &&
      written.digest === digestMark(stored)
    )
  }

  #holds(after: Stored, wanted: Wanted, key: ObjectKey, isSwept = true): void {
    const now = manifestOf(after)
    const isSecret = key.startsWith('Secret')
    const held: Manifest = { ...now, type: isSecret ? now.type : wanted.type }
    assert.equal(
      contentText({ ...now, type: held.type ?? '' }),
      contentText(wanted),
      '4: a mirror’s data is what the policy says',
    )
    for (const [name, value] of Object.entries(wanted.labels)) assert.equal(now.labels[name], value)
    for (const [name, value] of Object.entries(wanted.annotations)) assert.equal(now.annotations[name], value)
    const listed = (now.annotations[`${P}carried`] ?? '')
      .split(',')
      .filter((path) => /^(labels|annotations)\//.test(path))
    const carried = [
      ...Object.keys(wanted.annotations).map((name) => `annotations/${name}`),
      ...Object.keys(wanted.labels).map((name) => `labels/${name}`),
    ]
    // What the mark names beyond that, and is not there, is found by the sweep.
    const stands = leavesOf(after.body)
    assert.deepEqual(
      listed.filter((path) => isSwept || stands.has(path)),
      carried.sort(),
      'carried names what we set',
    )
  }

  #marksAgree(stored: Stored, origin: Origin): void {
    const { annotations } = manifestOf(stored)
    assert.equal(annotations[`${P}origin-uid`], origin.stored.uid)
    assert.equal(
      annotations[`${P}on-delete`] === 'retain',
      origin.spec.retain,
      'the mark on-delete is current',
    )
    assert.equal(annotations[`${P}retained`], undefined)
  }

  #note(stored: Stored, origin: string, { labels, annotations }: Wanted): void {
    this.#written.set(stored.uid, {
      origin,
      content: contentText(manifestOf(stored)),
      carried: pairsText([...Object.entries(annotations), ...Object.entries(labels)]),
      digest: digestMark(stored),
    })
  }

  #restsEmpty(key: ObjectKey): void {
    const winner = this.#law.winner(key, null)
    if (winner === null) return
    assert.ok(!this.#law.isDeliverable(winner), `2: a claimed mirror exists (${key} of ${winner.path})`)
  }

  #restsOurs(key: ObjectKey, stored: Stored): void {
    const holder = ownedBy(stored)
    assert.ok(holder !== null)
    const consent = this.#law.consent(refOf(key).namespace, pathOf(holder))
    assert.notEqual(consent, 'refused', `2: where consent is withdrawn, no mirror stays (${key})`)
    if (consent === 'frozen') return
    const origin = this.#law.origin(holder)
    assert.ok(origin !== null, `2: without an origin there is no mirror (${key})`)
    if (this.#law.isHeld(origin)) return
    assert.ok(this.#law.claims(origin, key), `2: what is not claimed does not stay (${key})`)
    if (!this.#law.isAdmitted(origin, key)) return
    const winner = this.#law.winner(key, holder)
    if (winner !== null && winner.key !== holder && this.#law.isDeliverable(winner)) {
      const isKept = manifestOf(stored).annotations[`${P}adopted`] === 'true'
      assert.ok(isKept, `a trusted origin displaces the holder (${key})`)
      return
    }
    const isAdopted = manifestOf(stored).annotations[`${P}adopted`] === 'true'
    assert.ok(!isDeclared(stored) || consent === 'declared' || isAdopted, 'what is declared is released')
    const wanted = this.#law.wanted(origin)
    if (wanted === null || (isAdopted && !fits(stored, wanted))) return
    this.#holds(stored, wanted, key, this.isSwept)
    this.#marksAgree(stored, origin)
  }

  #restsPull(key: ObjectKey, stored: Stored): void {
    const now = manifestOf(stored)
    const { namespace } = refOf(key)
    const path = now.annotations[`${P}reflect-from`] ?? ''
    const origin = this.#law.origin(
      keyOf({ ...stored.ref, namespace: path.split('/')[0] ?? '', name: path.split('/')[1] ?? '' }),
    )
    if (origin === null || origin.key === key || namespace.startsWith('kube-')) return
    const wanted = this.#law.wanted(origin)
    if (wanted === null || !mayPull(origin, namespace) || now.immutable) return
    this.#holds(stored, { ...wanted, type: now.type, immutable: now.immutable }, key, this.isSwept)
  }

  #restsForeign(key: ObjectKey, stored: Stored): void {
    const willing = this.#law
      .origins()
      .filter(({ path }) => this.#consents(stored, path) || this.#isProven(stored, path))
    for (const { key: origin } of willing) {
      const winner = this.#law.winner(key, origin)
      if (winner?.key !== origin || !this.#law.isAdmitted(winner, key)) continue
      const consent = this.#law.consent(refOf(key).namespace, winner.path)
      const wanted = this.#law.wanted(winner)
      if (consent === 'frozen' || wanted === null || !fits(stored, wanted)) continue
      assert.fail(`4: what may be taken back or over is (${key} by ${winner.path})`)
    }
  }
}

const MARKS = [
  'mirror',
  'origin',
  'at',
  'origin-uid',
  'origin-version',
  'origin-cluster',
  'on-delete',
  'adopted',
  'carried',
  'digest',
  'pulled-from',
  'retained',
].map((name) => P + name)

function mayPull({ spec }: Origin, namespace: string): boolean {
  return spec.pull !== null && (spec.pull.includes('*') || spec.pull.includes(namespace))
}

/** Whether the object can become what is wanted without being made anew. */
function fits(stored: Stored, wanted: Wanted): boolean {
  const now = manifestOf(stored)
  return !now.immutable && (stored.ref.kind === 'ConfigMap' || now.type === wanted.type)
}

function digestMark(stored: Stored): string {
  return manifestOf(stored).annotations[`${P}digest`] ?? ''
}

/** What the mark `carried` names and is there; what else stands in that mark names nothing. */
function carriedText(stored: Stored): string {
  const { labels, annotations } = manifestOf(stored)
  const carried = (annotations[`${P}carried`] ?? '')
    .split(',')
    .filter((path) => /^(labels|annotations)\//.test(path))
  const pairs = carried.flatMap((path) => {
    const name = path.slice(path.indexOf('/') + 1)
    const value = (path.startsWith('labels/') ? labels : annotations)[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return pairsText(pairs)
}

function pairsText(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .map((pair) => JSON.stringify(pair))
    .sort()
    .join()
}

/** Labels and annotations that are not ours, and were never set by us, are as they were; with `follows` what we carried may go. */
function keepsForeign(before: Stored, after: Stored, follows = true): void {
  const was = leavesOf(before.body)
  const now = leavesOf(after.body)
  const carried = [before, after].flatMap(
    (stored) => manifestOf(stored).annotations[`${P}carried`]?.split(',') ?? [],
  )
  const set = follows ? carried : []
  for (const [path, value] of was) {
    if (!/^(labels|annotations)\//.test(path) || set.includes(path)) continue
    if (MARKS.includes(path.slice(path.indexOf('/') + 1))) continue
    assert.equal(now.get(path), value, `1: ${path} is not ours and is not touched`)
  }
}
