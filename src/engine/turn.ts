/**
 * One key's turn: observe → plan → brakes → execute → record. The table of contents of the program.
 *
 * The plan is asked again after every answer, and a write starts in the same breath as the plan that asked for it: nothing is written under an earlier plan.
 */

import type { Decision, ReadReason } from '../core/decision.ts'
import { digestOf, valueDigests } from '../core/digest.ts'
import type { DigestKey } from '../core/digest.ts'
import { marksOf } from '../core/marks.ts'
import { keyOf, refOf } from '../core/names.ts'
import type { ObjectKey, ResourceVersion, Uid } from '../core/names.ts'
import { emptyTexts } from '../core/objects.ts'
import type { Content, FullObject, ObjectMeta, Texts } from '../core/objects.ts'
import { planMirror } from '../core/plan.ts'
import type { Rendering } from '../core/render.ts'
import type { Answers, MirrorReading, Observation } from '../core/observation.ts'
import { unreachable } from '../std/assert.ts'
import { confirm } from './confirm.ts'
import type { Destination } from './destination.ts'
import { execute } from './execute.ts'
import type { Act, Done } from './execute.ts'
import { observe } from './observe.ts'
import type { RenderingHold } from './renderings.ts'
import { settle } from './settle.ts'
import { tellVerdict } from './tell.ts'
import type { LaneName, Next } from './workqueue.ts'

/** Plans per turn: one for each kind of question, one act, and a few for versions that moved meanwhile. */
const PLANS_MAX = 12
/** A turn that finds no leadership or no digest key comes back this much later, if nothing brings it back before. */
const NOT_READY_MS = 2_000

/** What this turn has asked and holds. Answers name the version that they speak of and are void for any other. */
interface Held {
  rendering: RenderingHold | null
  mirror: { readonly uid: Uid; readonly version: ResourceVersion; readonly answer: Answers['mirror'] } | null
  confirmation: Answers['confirmation']
  unchangeable: Uid | null
}

/** Runs one turn of `key` at `d`. Never throws but for a bug. */
export async function turn(d: Destination, key: ObjectKey, lane: LaneName): Promise<Next> {
  const held: Held = { rendering: null, mirror: null, confirmation: null, unchangeable: null }
  try {
    for (let plans = 0; plans < PLANS_MAX; plans += 1) {
      const digestKey = d.digestKey()
      if (digestKey === null || !d.leadership.isLive()) return { kind: 'again', afterMs: NOT_READY_MS }
      const observation = observe(d.observer, key, digestKey, answersFor(d, key, held))
      const decision = planMirror(observation)
      const next = await step(d, { key, lane, observation, decision, held, digestKey })
      if (next !== null) return next
    }
    return { kind: 'again', afterMs: null }
  } finally {
    held.rendering?.release()
  }
}

interface Step {
  readonly key: ObjectKey
  readonly lane: LaneName
  readonly observation: Observation
  readonly decision: Decision
  readonly held: Held
  readonly digestKey: DigestKey
}

/** Carries out one decision. Null: plan again. */
async function step(d: Destination, s: Step): Promise<Next | null> {
  const { decision } = s
  switch (decision.kind) {
    case 'keep':
    case 'wait':
      return settle(d, s.key, s.observation, decision)
    case 'read-origin':
      return await readOrigin(d, s, decision.origin)
    case 'read-mirror':
      return s.lane === 'fresh' && isPaced(decision.reason) ? { kind: 'verify' } : await readMirror(d, s)
    case 'confirm-origin': {
      s.held.confirmation = await confirm(d, s.key, decision.origin)
      return null
    }
    case 'create':
    case 'update':
    case 'replace':
    case 'fill':
      return await deliver(d, s, decision)
    case 'remove':
    case 'retain':
    case 'strip':
      return d.home.isIdentityHeld() ? settle(d, s.key, s.observation, HELD) : await act(d, s, decision, null)
    case 'release':
      return await act(d, s, decision, null)
    default:
      return unreachable(decision)
  }
}

/** The mirrors may be another cluster's: which of them have ended is not for us to say before a person did. */
const HELD = { kind: 'wait', state: 'held', reason: 'brake', atMs: null } as const satisfies Decision

/** What can wait for its turn at sweep rate: nothing shows that the object is not as it should be. */
function isPaced(reason: ReadReason): boolean {
  return reason === 'verify' || reason === 'unknown-digest' || reason === 'inherit'
}

/** An act for a live origin: with its bytes in hand, but where marks alone are written. */
async function deliver(
  d: Destination,
  s: Step,
  decision: Extract<Act, { readonly origin: ObjectKey }>,
): Promise<Next | null> {
  const { origin } = decision
  if (isHeld(d, s.held, origin)) return await act(d, s, decision, s.held.rendering?.rendering ?? null)
  const known = writesMarksOnly(decision) ? withoutBytes(s.observation, origin) : null
  return known === null ? await readOrigin(d, s, origin) : await act(d, s, decision, known)
}

/** The content was read and is right: ten thousand copies at sweep rate need not read their origin ten thousand times. */
function writesMarksOnly(decision: Act): boolean {
  return decision.kind === 'update' && (decision.reason === 'inherit' || decision.reason === 'restamp')
}

/** What is remembered of the origin's present version, whose policy and summary came from one answer. */
function withoutBytes({ claims, summaries }: Observation, key: ObjectKey): Rendering | null {
  const claim = claims.find(({ origin }) => keyOf(origin) === key)
  const summary = summaries.get(key)
  if (claim === undefined || summary === undefined) return null
  return { origin: claim.origin, policy: claim.policy, summary, pieces: null }
}

async function act(
  d: Destination,
  s: Step,
  decision: Act,
  rendering: Rendering | null,
): Promise<Next | null> {
  const { key, observation } = s
  const done: Done = await execute(d, { key, observation, decision, rendering })
  d.recorder.acted({
    destination: d.name,
    key: s.key,
    decision: decision.kind,
    reason: 'reason' in decision ? decision.reason : 'missing',
    failure: done.failure,
  })
  if (done.next.kind === 'unchangeable') {
    s.held.unchangeable = s.observation.object?.uid ?? null
    return null
  }
  return done.next.kind === 'plan' ? null : done.next
}

/** Whether this turn holds the newest version of `origin`'s data. */
function isHeld(d: Destination, held: Held, origin: ObjectKey): boolean {
  const rendering = held.rendering?.rendering
  const meta = d.home.store.get(origin)
  return (
    rendering !== undefined &&
    keyOf(rendering.origin) === origin &&
    meta?.uid === rendering.summary.uid &&
    meta.version === rendering.summary.version
  )
}

async function readOrigin(d: Destination, s: Step, origin: ObjectKey): Promise<Next | null> {
  s.held.rendering?.release()
  s.held.rendering = null
  const answer = await d.home.renderings.acquire(origin, d.signal(), d.reach)
  if (answer.ok) {
    s.held.rendering = answer.value
    if (answer.value !== null) {
      const { origin: meta, summary } = answer.value.rendering
      tellVerdict(d, meta, summary.verdict)
    }
    d.observer.site.forgetAdmitted(origin)
    return null
  }
  const { failure } = answer
  return {
    kind: 'again',
    afterMs: failure.kind === 'throttled' || failure.kind === 'server' ? failure.retryAfterMs : null,
  }
}

async function readMirror(d: Destination, s: Step): Promise<Next | null> {
  const answer = await d.api.readFull(refOf(s.key), { signal: d.signal() })
  if (answer.ok) {
    const full = answer.value
    d.store.put(full.meta, 'answer')
    s.held.mirror = { uid: full.meta.uid, version: full.meta.version, answer: digester(d, full, s.digestKey) }
    return null
  }
  if (answer.failure.kind === 'absent') {
    if (s.observation.object !== null) d.store.forget(s.key, s.observation.object.uid)
    return null
  }
  return { kind: 'again', afterMs: answer.failure.kind === 'throttled' ? answer.failure.retryAfterMs : null }
}

/** Digests what was read, as a mirror of whichever origin the plan asks about. The content leaves this closure only as an HMAC and as names. */
function digester(d: Destination, full: FullObject, key: DigestKey): MirrorReading {
  const marks = marksOf(full.meta, d.observer.rules)
  const { type, data, binaryData } = full.content.reveal()
  return {
    digestFor: (origin, form, carried = marks.carried) =>
      digestOf(
        key,
        origin,
        {
          content: contentOf(full, form === 'merge' ? marks.mergedKeys : null),
          carried: carriedTexts(full.meta, carried),
        },
        form,
      ),
    valueDigestsFor: (origin) => valueDigests(key, origin, full.content.reveal()),
    type,
    present: { data: new Set(data.keys()), binaryData: new Set(binaryData.keys()) },
  }
}

/** Of a merged copy only what is ours. */
function contentOf(full: FullObject, keys: readonly string[] | null): Content {
  const content = full.content.reveal()
  if (keys === null) return content
  const ours = new Set(keys)
  const pick = (map: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
    new Map([...map].filter(([name]) => ours.has(name)))
  return { ...content, data: pick(content.data), binaryData: pick(content.binaryData) }
}

/** The values of what `carried` names. */
function carriedTexts({ labels, annotations }: ObjectMeta, carried: readonly string[]): Texts {
  const values = emptyTexts()
  for (const path of carried) {
    const slash = path.indexOf('/')
    const value = (path.startsWith('labels/') ? labels : annotations)[path.slice(slash + 1)]
    if (value !== undefined) values[path] = value
  }
  return values
}

function answersFor(d: Destination, key: ObjectKey, held: Held): Answers {
  const object = d.store.get(key)
  const { mirror } = held
  const speaksOfIt =
    object !== null && mirror !== null && mirror.uid === object.uid && mirror.version === object.version
  return {
    mirror: speaksOfIt ? mirror.answer : null,
    confirmation: held.confirmation,
    unchangeable: object !== null && held.unchangeable === object.uid,
  }
}
