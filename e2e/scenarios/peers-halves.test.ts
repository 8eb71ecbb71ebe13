/** Peers that are neither up nor away: slow, throttling, half dead, or closed in one namespace. Each costs itself, and nobody else. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { awaitList, awaitPresent, eventually } from '../lib/await.ts'
import { collectionPath, refOf } from '../lib/objects.ts'
import type { KubeObject } from '../lib/objects.ts'
import { awaitData, mirrorIn, secretOffer, write } from '../lib/offers.ts'
import { awaitPeer, changesOn, enlist, openSpoke, settledOn } from '../lib/peers.ts'
import type { Spoke } from '../lib/peers.ts'
import { startProxy } from '../lib/proxy.ts'
import { startSolo } from '../lib/solo.ts'

const MANY = 100
/** What is asked of a peer about Secrets, watches left out. */
const CALLS = /^(?!.*watch=true).*\/secrets/
const WATCHES = /watch=true/

const [home, east, west] = await Promise.all([startSolo(), openSpoke('east'), openSpoke('west')])
const { client, stage } = home
const proxy = await startProxy(east.plane)
after(() => proxy.close())
await enlist(client, east, { server: proxy.url, caPem: proxy.caPem })
await enlist(client, west)
await Promise.all([awaitPeer(home.controller, 'east'), awaitPeer(home.controller, 'west')])

interface Scene {
  readonly origins: readonly KubeObject[]
  /** Namespaces: home’s, east’s, west’s. */
  readonly local: string
  readonly there: string
  readonly yonder: string
}

/** `count` origins that are meant for home and both peers, with the value `first`. */
async function offerMany(word: string, count: number): Promise<Scene> {
  const [from, local] = await stage.namespaces(word, `${word}-local`)
  const [there, yonder] = [await east.namespace(word), await west.namespace(word)]
  const reach = { 'reflect-to': local, targets: '*', 'target-namespaces': `${word}-*` }
  const make = async (index: number): Promise<KubeObject> =>
    await client.create(secretOffer(from, `cert-${index}`, reach, { value: 'first' }))
  const origins = await Promise.all(Array.from({ length: count }, (_, index) => make(index)))
  return { origins, local, there, yonder }
}

async function writeAll({ origins }: Scene, value: string): Promise<void> {
  await Promise.all(origins.map((each) => write(client, refOf(each), { value })))
}

async function awaitAll(
  at: Pick<Spoke, 'client'>,
  namespace: string,
  { origins }: Scene,
  value: string,
): Promise<void> {
  const wanted = Buffer.from(value).toString('base64')
  const names = new Set(origins.map(({ metadata }) => metadata.name))
  await awaitList(
    at.client,
    collectionPath('Secret', namespace),
    (found) =>
      found.filter(({ metadata, data }) => names.has(metadata.name) && data?.['value'] === wanted).length ===
      names.size,
    { what: `${names.size} mirrors hold ${value}` },
  )
}

/** Home and the peer that is well have `value`. */
async function othersHave(scene: Scene, value: string): Promise<void> {
  await awaitAll({ client }, scene.local, scene, value)
  await awaitAll(west, scene.yonder, scene, value)
}

test('while a peer’s answers are kept back, home and the other peer get a hundred new origins and two rotations of each', async () => {
  const answers = proxy.holdAnswers({ path: CALLS })
  const scene = await offerMany('slow', MANY)
  await answers.reached(1)
  for (const value of ['first', 'second', 'third']) {
    await writeAll(scene, value)
    await othersHave(scene, value)
  }
  assert.ok(answers.taken.length < MANY, 'no more is under way than the limit of one peer')
  answers.release()
  answers.remove()
  await awaitAll(east, scene.there, scene, 'third')
})

test('a peer that answers 429 is asked again no sooner than it says, and the others do not wait', async () => {
  const scene = await offerMany('busy', 3)
  await awaitAll(east, scene.there, scene, 'first')
  const times = new Map<string, number[]>()
  const seconds = 2
  const throttled = proxy.on({ method: 'PATCH', path: CALLS }, (exchange) => {
    times.getOrInsertComputed(exchange.path, () => []).push(performance.now())
    exchange.answer(429, status(429, 'TooManyRequests'), { 'retry-after': String(seconds) })
  })
  await writeAll(scene, 'second')
  await othersHave(scene, 'second')
  await throttled.reached(3 * scene.origins.length)
  throttled.remove()
  await awaitAll(east, scene.there, scene, 'second')
  for (const asked of times.values())
    for (const [index, at] of asked.entries()) {
      const before = asked[index - 1]
      assert.ok(
        before === undefined || at - before >= seconds * 1_000,
        `asked again after ${at - (before ?? 0)} ms`,
      )
    }
  assert.equal(
    (await home.controller.metrics()).sum('heliograph_peer_up', { peer: 'east' }),
    1,
    'an answer is an answer',
  )
})

test('a peer that fails with 500 and 503 is asked again until it is well', async () => {
  const scene = await offerMany('ill', 3)
  await awaitAll(east, scene.there, scene, 'first')
  const codes = [500, 503, 502, 504]
  let next = 0
  const ill = proxy.on({ method: 'PATCH', path: CALLS, times: 12 }, (exchange) => {
    const code = codes[next++ % codes.length] ?? 500
    exchange.answer(code, code === 502 ? '<html>' : status(code, 'InternalError'))
  })
  await writeAll(scene, 'second')
  await othersHave(scene, 'second')
  await awaitAll(east, scene.there, scene, 'second')
  ill.remove()
})

test('while the calls to a peer hang and its watches work, the others are served, and it gets the final state', async () => {
  const scene = await offerMany('hanging', 20)
  await awaitAll(east, scene.there, scene, 'first')
  await settledOn(home, east)
  const mark = await east.plane.own.audit.mark()
  const calls = proxy.hold({ path: CALLS })
  await writeAll(scene, 'second')
  await calls.reached(1)
  await othersHave(scene, 'second')
  // What the peer’s watches tell meanwhile adds to the work that hangs, and is not lost.
  const [one] = scene.origins
  assert.ok(one !== undefined)
  await east.client.remove(mirrorIn(scene.there, one))
  await writeAll(scene, 'third')
  await othersHave(scene, 'third')
  // Nothing that hung reaches the server later.
  for (const each of calls.taken) each.cut()
  calls.remove()
  await awaitAll(east, scene.there, scene, 'third')
  await settledOn(home, east)
  const written = (await changesOn(east, mark)).filter((each) => each.startsWith('patch'))
  assert.equal(written.filter((each) => each.endsWith(' 200')).length, scene.origins.length - 1)
})

test('while the watches of a peer are silent its mirrors still follow home, and what happened there is put right afterwards', async () => {
  const scene = await offerMany('deaf', 5)
  await awaitAll(east, scene.there, scene, 'first')
  proxy.muteStreams()
  const [edited, gone] = scene.origins
  assert.ok(edited !== undefined && gone !== undefined)
  await east.client.remove(mirrorIn(scene.there, gone))
  await writeAll(scene, 'second')
  await othersHave(scene, 'second')
  await awaitData(east.client, mirrorIn(scene.there, edited), { value: 'second' })
  await write(east.client, mirrorIn(scene.there, edited), { value: 'mallory' })
  proxy.resumeStreams()
  await awaitAll(east, scene.there, scene, 'second')
})

test('a peer whose watches cannot be opened is not written to after a grace, is told as unreachable, and is served when they can', async () => {
  const scene = await offerMany('unwatched', 5)
  await awaitAll(east, scene.there, scene, 'first')
  const watches = proxy.on({ path: WATCHES }, (exchange) => exchange.cut())
  proxy.cutAll()
  await awaitPeer(home.controller, 'east', 'unreachable')
  const mark = await east.plane.own.audit.mark()
  await writeAll(scene, 'second')
  await othersHave(scene, 'second')
  assert.deepEqual(await changesOn(east, mark), [])
  watches.remove()
  await awaitPeer(home.controller, 'east')
  await awaitAll(east, scene.there, scene, 'second')
})

test('a namespace of three in which the peer forbids writing gets nothing, the two others everything; allowed again, it is made good', async () => {
  const [from] = await stage.namespaces('forbidden')
  const closed = await east.namespace('forbidden-closed')
  const open = [await east.namespace('forbidden-open'), await east.namespace('forbidden-open')]
  await forbid(closed)
  const reach = { targets: 'east', 'target-namespaces': 'forbidden-*' }
  const origin = await client.create(secretOffer(from, 'cert', reach, { value: 'first' }))
  const answered = async (): Promise<boolean> =>
    (await changesOn(east)).includes(`create secrets ${closed}/cert 403`)
  await eventually(async () => ((await answered()) ? true : null), { what: 'the peer said no' })
  for (const value of ['first', 'second']) {
    await write(client, refOf(origin), { value })
    for (const namespace of open) await awaitData(east.client, mirrorIn(namespace, origin), { value })
  }
  assert.equal(await east.client.find(mirrorIn(closed, origin)), null)
  const { metadata } = await client.get(refOf(origin))
  assert.equal(JSON.stringify(metadata).includes(closed), false)
  await east.client.remove({ kind: 'ValidatingAdmissionPolicyBinding', name: closed })
  // A change of the namespace is an event that may cure it.
  await eventually(
    async () => {
      await east.client.annotate(
        { kind: 'Namespace', name: closed },
        { 'example.com/at': String(performance.now()) },
      )
      return await east.client.find(mirrorIn(closed, origin))
    },
    { what: 'the namespace that was closed has its mirror' },
  )
  await awaitPresent(east.client, mirrorIn(closed, origin))
})

function status(code: number, reason: string): object {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code }
}

/** The peer answers 403 to whoever would make a Secret in `namespace`. */
async function forbid(namespace: string): Promise<void> {
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['secrets'] }]
  await east.client.create({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: namespace },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: { resourceRules: rules },
      validations: [{ expression: 'false', reason: 'Forbidden' }],
    },
  })
  await east.client.create({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: namespace },
    spec: {
      policyName: namespace,
      validationActions: ['Deny'],
      matchResources: {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      },
    },
  })
  // It takes a moment until the server obeys its new policy.
  await eventually(
    async () => {
      const body = { apiVersion: 'v1', kind: 'Secret', metadata: { generateName: 'probe-' } }
      const path = `${collectionPath('Secret', namespace)}?dryRun=All`
      return (await east.client.request('POST', path, { body })).status === 403 ? true : null
    },
    { what: 'the policy is obeyed' },
  )
}
