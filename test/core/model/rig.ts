/**
 * Drives the plan over the model of a cluster as the engine's turn does: observe, plan, answer its questions, carry out its act with the real request bodies.
 * What is remembered between turns is kept apart, so that a restart forgets it.
 */

import assert from 'node:assert/strict'

import type { Claim } from '../../../src/core/claims.ts'
import { chooses } from '../../../src/core/choice.ts'
import { isProtected, namespaceConsent } from '../../../src/core/consent.ts'
import type { Consent } from '../../../src/core/consent.ts'
import type { Decision } from '../../../src/core/decision.ts'
import { digestKeyId, digestOf, valueDigests } from '../../../src/core/digest.ts'
import type { DigestKey } from '../../../src/core/digest.ts'
import { readAsk, readLeft, readOrigin } from '../../../src/core/dialects/table.ts'
import type { Failure } from '../../../src/core/failure.ts'
import { marksOf } from '../../../src/core/marks.ts'
import { keyOf, parsePath, pathOf, refOf } from '../../../src/core/names.ts'
import type { Kind, ObjectKey, ObjectRef } from '../../../src/core/names.ts'
import type { Content, FullObject, NamespaceMeta, ObjectMeta } from '../../../src/core/objects.ts'
import type {
  Answers,
  MarkedOrigin,
  MirrorReading,
  Observation,
  PullView,
} from '../../../src/core/observation.ts'
import type { RequestBody } from '../../../src/core/operations.ts'
import { planMirror } from '../../../src/core/plan.ts'
import type { Policy, Reading } from '../../../src/core/policy.ts'
import { render } from '../../../src/core/render.ts'
import type { Rendering, Summary } from '../../../src/core/render.ts'
import {
  createBody,
  fillBody,
  releaseBody,
  retainBody,
  stripBody,
  updateBody,
} from '../../../src/core/requests.ts'
import type { UpdateForm } from '../../../src/core/requests.ts'
import { remedyFor } from '../../../src/core/retry.ts'
import type { Rules } from '../../../src/core/rules.ts'
import type { Stamp } from '../../../src/core/stamps.ts'
import type { Result } from '../../../src/std/result.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { RULES } from '../rules.ts'
import { Cluster, fullOf, metaOf, textsAt } from './cluster.ts'
import type { Stored } from './cluster.ts'

export const IDENTITY = 'home-identity'
export const KEY = digestKey(7)
export const STAMP: Stamp = {
  rules: RULES,
  identity: IDENTITY,
  isAbroad: false,
  writtenAt: '2026-11-24T08:15:30.123Z',
}

/** Plans per turn, as in the engine. */
export const PLANS_MAX = 12
/** Rounds over all places until nothing moves. */
const ROUNDS_MAX = 12

export function digestKey(seed: number): DigestKey {
  const bytes = new Uint8Array(32).fill(seed)
  return { id: digestKeyId(bytes), identity: IDENTITY, bytes: new Sensitive(bytes) }
}

export function at(path: string, kind: Kind = 'Secret'): ObjectKey {
  const [namespace = '', name = ''] = path.split('/')
  return keyOf({ kind, namespace, name })
}

type ActDecision = Extract<
  Decision,
  { kind: 'create' | 'update' | 'replace' | 'fill' | 'remove' | 'retain' | 'strip' | 'release' }
>

/** One write and what it met. */
export interface Act {
  readonly key: ObjectKey
  readonly decision: ActDecision
  readonly observation: Observation
  /** Questions of the same turn, before it. */
  readonly asked: readonly Decision['kind'][]
  readonly rendering: Rendering | null
  readonly before: Stored | null
  readonly after: Stored | null
  /** Null for a delete. */
  readonly body: RequestBody | null
  readonly failure: Failure | null
}

export interface Turn {
  readonly decisions: readonly Decision[]
  /** The last decision: what the place rests on. */
  readonly last: Decision
  readonly acts: readonly Act[]
}

class Memory {
  readonly known = new Map<ObjectKey, string>()
  readonly wrote = new Map<ObjectKey, string>()
  readonly verify = new Set<ObjectKey>()
  readonly ends = new Map<ObjectKey, { readonly origin: ObjectKey; readonly atMs: number }>()
  readonly freed = new Map<ObjectKey, { readonly holder: ObjectKey; readonly atMs: number }>()
  readonly summaries = new Map<ObjectKey, Summary>()
}

interface Held {
  rendering: Rendering | null
  mirror: { readonly version: string; readonly answer: Answers['mirror'] } | null
  confirmation: Answers['confirmation']
  unchangeable: string | null
}

export class Rig {
  readonly cluster = new Cluster()
  readonly rules: Rules
  nowMs = 1_000_000
  memory = new Memory()
  digestKey: DigestKey = KEY
  /** The API server does not answer for origins. */
  isUnreadable = false
  brake: 'open' | 'held' = 'open'
  repairs: Observation['repairs'] = { contested: false, againAtMs: 0 }
  /** In which order claims reach the plan, and places are visited. */
  order: 'forward' | 'reverse' = 'forward'
  /** Told of every act, with its outcome. */
  judge: (act: Act) => void = () => {}
  /** Told of every plan. */
  onTurn: (observation: Observation, decision: Decision) => void = () => {}
  readonly log: Act[] = []

  constructor(rules: Partial<Rules> = {}) {
    this.rules = { ...RULES, ...rules }
  }

  restart(): void {
    this.memory = new Memory()
  }

  /** A change by somebody else. `live`: it was seen as it happened, and so were the ends of claims that it brought. */
  change(what: () => void, live = true): void {
    const before = this.#claimsByPlace()
    what()
    if (!live) return this.restart()
    const after = this.#claimsByPlace()
    for (const [place, origins] of before)
      for (const origin of origins)
        if (after.get(place)?.has(origin) !== true) this.memory.ends.set(place, { origin, atMs: this.nowMs })
    for (const [place, origin] of this.#asking())
      if (!this.cluster.objects.has(origin)) this.memory.ends.set(place, { origin, atMs: this.nowMs })
    for (const [place, { origin }] of this.memory.ends)
      if (after.get(place)?.has(origin) === true) this.memory.ends.delete(place)
  }

  /** Turns over all places until none acts and none waits, moving time on where a place waits for it. */
  settle(): readonly Act[] {
    const begun = this.log.length
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const turns = this.places().map((key) => this.turn(key))
      const untils = turns.flatMap(({ last }) =>
        last.kind === 'wait' && last.atMs !== null ? [last.atMs] : [],
      )
      if (untils.length > 0) this.nowMs = Math.max(this.nowMs, ...untils)
      else if (turns.every((turn) => turn.acts.every((act) => act.failure !== null))) return this.done(begun)
    }
    assert.fail('the places never come to rest')
  }

  /** Acts since then that changed something. */
  done(begun: number): readonly Act[] {
    return this.log.slice(begun).filter((act) => act.failure === null)
  }

  places(): readonly ObjectKey[] {
    const keys = [...new Set([...this.cluster.objects.keys(), ...this.#claimsByPlace().keys()])].sort()
    return this.order === 'forward' ? keys : keys.reverse()
  }

  /** The decision that a first look at `key` gives. */
  decide(key: ObjectKey, answers: Partial<Answers> = {}): Decision {
    return planMirror(
      this.observe(key, { mirror: null, confirmation: null, unchangeable: false, ...answers }),
    )
  }

  turn(key: ObjectKey): Turn {
    const held: Held = { rendering: null, mirror: null, confirmation: null, unchangeable: null }
    const decisions: Decision[] = []
    const begun = this.log.length
    const done = (last: Decision): Turn => ({ decisions, last, acts: this.log.slice(begun) })
    for (let plans = 0; plans < PLANS_MAX; plans += 1) {
      const observation = this.observe(key, this.#answers(key, held))
      const decision = planMirror(observation)
      this.onTurn(observation, decision)
      const asked = decisions.map(({ kind }) => kind)
      decisions.push(decision)
      if (decision.kind === 'keep' && decision.reason === 'in-sync') this.#know(key)
      if (decision.kind === 'keep' || decision.kind === 'wait') return done(decision)
      if (decision.kind === 'read-origin') held.rendering = this.#read(decision.origin)
      else if (decision.kind === 'read-mirror') held.mirror = this.#readMirror(key)
      else if (decision.kind === 'confirm-origin')
        held.confirmation = this.#confirm(key, decision.origin, observation.namespace)
      else if ('origin' in decision && !this.#isHeld(held, decision.origin))
        held.rendering = this.#read(decision.origin)
      else if (this.#act({ key, decision, observation, asked }, held) === 'refused') return done(decision)
    }
    assert.fail(`a turn of ${key} does not end: ${decisions.map(({ kind }) => kind).join(' ')}`)
  }

  observe(key: ObjectKey, answers: Answers): Observation {
    const { memory, cluster, rules } = this
    const place = refOf(key)
    const stored = cluster.get(key)
    const object = stored === null ? null : metaOf(stored)
    const marks = object === null ? null : marksOf(object, rules)
    const named = object === null ? null : this.#named(object)
    const namespace = cluster.namespaces.get(place.namespace) ?? null
    const claims = this.claims(key)
    const end = memory.ends.get(key)
    const ends = end !== undefined && end.origin === named
    const freed = memory.freed.get(key)
    const observation: Observation = {
      place,
      nowMs: this.nowMs,
      rules,
      digestKey: this.digestKey,
      namespace,
      object,
      isOrigin: object !== null && readOrigin(object, rules).kind !== 'none',
      marks,
      claims: this.order === 'forward' ? claims : claims.toReversed(),
      marked: named === null ? null : this.#marked(key, named, namespace),
      markedConsent: named === null || namespace === null ? GRANTED : this.consent(namespace, refOf(named)),
      end: ends ? { witness: 'live', atMs: end.atMs } : { witness: 'inferred', atMs: 0 },
      knownVersion: (memory.known.get(key) ?? null) as Observation['knownVersion'],
      writtenDigest: memory.wrote.get(key) ?? null,
      mustVerify: memory.verify.has(key),
      fresh: false,
      freed: freed !== undefined && this.nowMs < freed.atMs + 30_000 ? freed : null,
      repairs: this.repairs,
      brake: this.brake,
      summaries: this.#summaries(),
      answers,
      pull: object === null ? null : this.#pull(object, namespace),
    }
    return Object.freeze(observation)
  }

  /** Claims of live origins that are not held, whatever the namespace says to them. */
  claims(key: ObjectKey): readonly Claim[] {
    const place = refOf(key)
    const namespace = this.cluster.namespaces.get(place.namespace)
    if (namespace === undefined) return []
    const claims: Claim[] = []
    for (const { meta, reading } of this.origins()) {
      if (reading.kind !== 'policy' || !claimsIn(reading.policy, meta, namespace)) continue
      if (keyOf({ ...place, kind: meta.kind, name: reading.policy.mirrorName }) !== key) continue
      claims.push({
        origin: meta,
        policy: reading.policy,
        consent: this.consent(namespace, meta),
        trusted: this.rules.trustedOrigins.matches(pathOf(meta)),
        admitted: this.#isAdmitted(meta, reading.policy, key),
      })
    }
    return claims
  }

  *origins(): Iterable<{ readonly meta: ObjectMeta; readonly reading: Exclude<Reading, { kind: 'none' }> }> {
    for (const stored of this.cluster.objects.values()) {
      const meta = metaOf(stored)
      const reading = readOrigin(meta, this.rules)
      if (reading.kind !== 'none') yield { meta, reading }
    }
  }

  consent(namespace: NamespaceMeta, origin: { readonly namespace: string; readonly name: string }): Consent {
    return namespaceConsent(namespace, origin, this.rules, IDENTITY)
  }

  #claimsByPlace(): ReadonlyMap<ObjectKey, ReadonlySet<ObjectKey>> {
    const places = new Map<ObjectKey, Set<ObjectKey>>()
    for (const { meta, reading } of this.origins())
      for (const place of reading.kind === 'policy'
        ? this.#chosen(meta, reading.policy)
        : this.#held(meta.key))
        places.getOrInsertComputed(place, () => new Set()).add(meta.key)
    return places
  }

  *#chosen(meta: ObjectMeta, policy: Policy): Iterable<ObjectKey> {
    for (const namespace of this.cluster.namespaces.values())
      if (claimsIn(policy, meta, namespace) && this.consent(namespace, meta).kind !== 'refused')
        yield keyOf({ kind: meta.kind, namespace: namespace.name, name: policy.mirrorName })
  }

  /** A held origin's claims are frozen, not ended. */
  *#held(origin: ObjectKey): Iterable<ObjectKey> {
    for (const stored of this.cluster.objects.values())
      if (this.#named(metaOf(stored)) === origin) yield keyOf(stored.ref)
  }

  #isAdmitted(meta: ObjectMeta, policy: Policy, key: ObjectKey): boolean {
    const { kind } = meta
    const places = [...this.cluster.namespaces.values()]
      .filter((namespace) => claimsIn(policy, meta, namespace))
      .map((namespace) => keyOf({ kind, namespace: namespace.name, name: policy.mirrorName }))
    const holds = (place: ObjectKey): number => {
      const stored = this.cluster.get(place)
      return stored !== null && this.#named(metaOf(stored)) === meta.key ? 0 : 1
    }
    places.sort((a, b) => holds(a) - holds(b) || (a < b ? -1 : 1))
    return places.indexOf(key) < this.rules.mirrorsPerOriginMax
  }

  #named(object: ObjectMeta): ObjectKey | null {
    if (object.labels[`${this.rules.prefix}mirror`] === undefined) {
      const left = readLeft(object, this.rules)?.origin
      return left == null ? null : keyOf(left)
    }
    const path = object.annotations[`${this.rules.prefix}origin`]
    const parsed = path === undefined ? null : parsePath(path)
    return parsed === null ? null : keyOf({ kind: object.kind, ...parsed })
  }

  #marked(key: ObjectKey, named: ObjectKey, namespace: NamespaceMeta | null): MarkedOrigin {
    const stored = this.cluster.get(named)
    if (stored === null) return { kind: 'absent' }
    const meta = metaOf(stored)
    const reading = readOrigin(meta, this.rules)
    if (reading.kind === 'none')
      return { kind: 'not-claiming', onDelete: onDeleteOf(meta, this.rules.prefix), isOrigin: false }
    const verdict = this.#summaries().get(named)?.verdict.kind
    if (reading.kind === 'held' || verdict === 'refused-type' || verdict === 'empty-selection')
      return { kind: 'held' }
    const { policy } = reading
    const isHere =
      namespace !== null && claimsIn(policy, meta, namespace) && refOf(key).name === policy.mirrorName
    return isHere ? { kind: 'claiming' } : { kind: 'not-claiming', onDelete: policy.onDelete, isOrigin: true }
  }

  /** Summaries of versions that are current. */
  #summaries(): ReadonlyMap<ObjectKey, Summary> {
    return new Map(
      [...this.memory.summaries].filter(([key, summary]) => {
        const stored = this.cluster.get(key)
        return stored?.uid === summary.uid && stored.version === summary.version
      }),
    )
  }

  #pull(object: ObjectMeta, namespace: NamespaceMeta | null): PullView | null {
    const ask = readAsk(object, this.rules)
    if (ask === null || isProtected(object.namespace, this.rules)) return null
    if (ask.origin === null) return { kind: 'flawed' }
    const origin = keyOf(ask.origin)
    const stored = this.cluster.get(origin)
    const end = this.memory.ends.get(object.key)
    if (stored === null && end?.origin === origin) return { kind: 'gone', atMs: end.atMs }
    const meta = stored === null ? null : metaOf(stored)
    const reading = meta === null ? null : readOrigin(meta, this.rules)
    if (meta === null || reading === null || reading.kind === 'none') return { kind: 'unavailable' }
    if (reading.kind === 'held') return { kind: 'held' }
    const { pull } = reading.policy
    return pull !== null && namespace !== null && chooses(pull, namespace)
      ? { kind: 'offered', origin: meta }
      : { kind: 'unavailable' }
  }

  /** Objects that ask to be filled, and from which origin. */
  *#asking(): Iterable<readonly [place: ObjectKey, origin: ObjectKey]> {
    for (const stored of this.cluster.objects.values()) {
      const origin = readAsk(metaOf(stored), this.rules)?.origin
      if (origin != null) yield [keyOf(stored.ref), keyOf(origin)]
    }
  }

  #answers(key: ObjectKey, held: Held): Answers {
    const stored = this.cluster.get(key)
    return {
      mirror: held.mirror !== null && held.mirror.version === stored?.version ? held.mirror.answer : null,
      confirmation: held.confirmation,
      unchangeable: stored !== null && held.unchangeable === stored.uid,
    }
  }

  #isHeld(held: Held, origin: ObjectKey): boolean {
    const stored = this.cluster.get(origin)
    return held.rendering?.origin.key === origin && held.rendering.summary.version === stored?.version
  }

  #read(origin: ObjectKey): Rendering {
    const stored = this.cluster.get(origin)
    assert.ok(stored !== null, 'only an origin that is there is read')
    const full = fullOf(stored)
    const reading = readOrigin(full.meta, this.rules)
    assert.ok(reading.kind === 'policy', 'only an origin that is not held is read')
    const rendering = render(full, reading.policy, { rules: this.rules, key: this.digestKey })
    this.memory.summaries.set(origin, rendering.summary)
    return rendering
  }

  #readMirror(key: ObjectKey): Held['mirror'] {
    const stored = this.cluster.get(key)
    assert.ok(stored !== null, 'only what is there is read')
    return { version: stored.version, answer: readingOf(fullOf(stored), this.rules, this.digestKey) }
  }

  #confirm(key: ObjectKey, origin: ObjectKey, namespace: NamespaceMeta | null): Answers['confirmation'] {
    if (this.isUnreadable) return 'unreadable'
    const stored = this.cluster.get(origin)
    if (namespace !== null && this.consent(namespace, refOf(origin)).kind === 'refused') return 'ended'
    if (stored === null) return 'ended'
    const reading = readOrigin(metaOf(stored), this.rules)
    if (reading.kind === 'held') return 'claims'
    return this.claims(key).some((claim) => claim.origin.key === origin) ? 'claims' : 'ended'
  }

  #act(
    task: Pick<Act, 'key' | 'observation' | 'asked'> & { readonly decision: ActDecision },
    held: Held,
  ): 'plan' | 'refused' {
    const { key, decision, observation } = task
    const before = this.cluster.get(key)
    const rendering = 'origin' in decision ? held.rendering : null
    const body = bodyOf(task, rendering, { ...STAMP, rules: this.rules })
    const answer = this.#send(task, body)
    const act: Act = {
      ...task,
      rendering,
      before,
      body,
      after: this.cluster.get(key),
      failure: answer.ok ? null : answer.failure,
    }
    this.log.push(act)
    this.judge(act)
    if (answer.ok) {
      this.#remember(act)
      return 'plan'
    }
    const remedy = remedyFor(answer.failure, VERBS[decision.kind])
    assert.equal(remedy.kind, 'unchangeable', `${decision.kind} at ${key} answered ${answer.failure.kind}`)
    // What asks to be filled keeps its own type and immutability: it is told, and waits for a change.
    if (decision.kind === 'fill') return 'refused'
    held.unchangeable = observation.object?.uid ?? null
    return 'plan'
  }

  #send(
    task: { readonly key: ObjectKey; readonly decision: ActDecision; readonly observation: Observation },
    body: RequestBody | null,
  ): Result<unknown, Failure> {
    const { key, decision, observation } = task
    const { object } = observation
    if (decision.kind === 'create' && body !== null) return this.cluster.create(refOf(key), body)
    assert.ok(object !== null)
    if (decision.kind === 'replace' && body !== null) {
      const probed = this.cluster.create(refOf(key), body, true)
      if (!probed.ok) return probed
    }
    if (decision.kind === 'replace' || decision.kind === 'remove')
      return this.cluster.remove(key, { uid: object.uid, version: object.version })
    assert.ok(body !== null)
    return this.cluster.patch(key, body)
  }

  #remember({ key, decision, before, after }: Act): void {
    if (decision.kind === 'remove' && before !== null) {
      const holder = this.#named(metaOf(before))
      if (holder !== null) this.memory.freed.set(key, { holder, atMs: this.nowMs })
    }
    if (after === null) return
    this.#know(key)
    const digest = textsAt(after.body, 'annotations')[`${this.rules.prefix}digest`]
    if (digest !== undefined) this.memory.wrote.set(key, digest)
  }

  #know(key: ObjectKey): void {
    const stored = this.cluster.get(key)
    if (stored !== null) this.memory.known.set(key, stored.version)
    this.memory.verify.delete(key)
  }
}

const VERBS = {
  create: 'create',
  replace: 'create',
  remove: 'delete',
  update: 'patch',
  fill: 'patch',
  retain: 'patch',
  strip: 'patch',
  release: 'patch',
} as const

const GRANTED: Consent = { kind: 'granted', declared: false }

function claimsIn({ push }: Policy, origin: ObjectRef, namespace: NamespaceMeta): boolean {
  return push !== null && namespace.name !== origin.namespace && chooses(push, namespace)
}

function onDeleteOf({ annotations }: ObjectMeta, prefix: string): 'delete' | 'retain' | null {
  if (!Object.keys(annotations).some((key) => key.startsWith(prefix))) return null
  return annotations[`${prefix}on-delete`] === 'retain' ? 'retain' : 'delete'
}

/** What was read of an object, as the engine digests it. */
export function readingOf(full: FullObject, rules: Rules, key: DigestKey): MirrorReading {
  const marks = marksOf(full.meta, rules)
  const content = full.content.reveal()
  return {
    digestFor: (origin, form, carried = marks.carried) =>
      digestOf(
        key,
        origin,
        {
          content: form === 'merge' ? onlyOf(content, marks.mergedKeys) : content,
          carried: carriedTexts(full.meta, carried),
        },
        form,
      ),
    valueDigestsFor: (origin) => valueDigests(key, origin, content),
    type: content.type,
    present: { data: new Set(content.data.keys()), binaryData: new Set(content.binaryData.keys()) },
  }
}

function onlyOf(content: Content, keys: readonly string[] | null): Content {
  if (keys === null) return content
  const pick = (map: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map([...map].filter(([name]) => keys.includes(name)))
  return { ...content, data: pick(content.data), binaryData: pick(content.binaryData) }
}

function carriedTexts(meta: ObjectMeta, carried: readonly string[]): ObjectMeta['labels'] {
  return Object.fromEntries(
    carried.flatMap((path) => {
      const [map = '', ...rest] = path.split('/')
      const value = (map === 'labels' ? meta.labels : meta.annotations)[rest.join('/')]
      return value === undefined ? [] : [[path, value] as const]
    }),
  )
}

interface Task {
  readonly key: ObjectKey
  readonly decision: ActDecision
  readonly observation: Observation
}

/** The request of an act, as the engine makes it. */
function bodyOf(task: Task, rendering: Rendering | null, stamp: Stamp): RequestBody | null {
  const { key, decision, observation } = task
  const { object, marks, answers } = observation
  if (decision.kind === 'create' || decision.kind === 'replace') {
    assert.ok(rendering !== null)
    return createBody(rendering, refOf(key), stamp, decision.kind === 'replace')
  }
  assert.ok(object !== null && marks !== null, 'an act on an object was planned with it')
  if (decision.kind === 'remove') return null
  if (decision.kind === 'retain') return retainBody(object, marks, stamp.rules)
  if (decision.kind === 'release') return releaseBody(object, marks, stamp.rules)
  if (decision.kind === 'strip') {
    assert.ok(answers.mirror !== null, 'keys are taken out of what was read')
    return stripBody(object, marks, answers.mirror.present, stamp.rules)
  }
  assert.ok(rendering !== null)
  const { reason } = decision
  const isRight =
    reason === 'restamp' ||
    reason === 'inherit' ||
    ((reason === 'marks' || reason === 'restore') && marks.digest === rendering.summary.digest)
  if (decision.kind === 'fill') {
    const isPullRight = reason === 'restamp' || reason === 'inherit'
    const form = isPullRight ? 'metadata' : writtenForm(observation, marks.ask?.write ?? 'replace')
    return fillBody(rendering, object, marks, { stamp, form })
  }
  return updateBody(rendering, object, marks, {
    stamp,
    form: isRight ? 'metadata' : writtenForm(observation, rendering.policy.write),
    adopted: marks.adopted || reason === 'adopt',
    pinned: reason !== 'stale' && reason !== 'drift',
    shed: (reason === 'inherit' || reason === 'inherit-differing') && rendering.policy.copies === 'metadata',
  })
}

function writtenForm({ answers }: Observation, how: Policy['write']): UpdateForm {
  if (how === 'replace') return 'whole'
  assert.ok(answers.mirror !== null, 'a merge is planned with what was read')
  return { present: answers.mirror.present }
}
