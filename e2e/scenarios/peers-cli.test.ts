/** `heliograph peer …` on real control planes: it grants the least, widens nothing, tells the truth, and deletes only what is proven ours. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import type { AuditEntry, AuditMark } from '../control-plane/audit.ts'
import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import { awaitAbsent, awaitPresent } from '../lib/await.ts'
import { runCommand } from '../lib/command.ts'
import type { Shown } from '../lib/command.ts'
import { awaitEvent, eventsAbout } from '../lib/events.ts'
import { ours, PREFIX } from '../lib/marks.ts'
import { configMap, plain, secret } from '../lib/objects.ts'
import type { Ref } from '../lib/objects.ts'
import { SYSTEM } from '../lib/stage.ts'
import { startSolo } from '../lib/solo.ts'

const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])
/** Asking is a POST too. */
const QUESTIONS = new Set(['selfsubjectaccessreviews', 'subjectaccessreviews', 'tokenreviews'])

const [home, spoke] = await Promise.all([startSolo(), startControlPlane()])
await home.client.createNamespace('origins')
for (const name of ['origins', 'team-a', 'team-b']) await spoke.client.createNamespace(name)

after(async () => {
  await spoke.stop()
})

async function peer(...args: readonly string[]): Promise<Shown> {
  return await peerIn(SYSTEM, ...args)
}

async function peerIn(namespace: string, ...args: readonly string[]): Promise<Shown> {
  const shown = await runCommand([
    'peer',
    ...args,
    `--kubeconfig=${home.stage.plane.kubeconfig}`,
    `--namespace=${namespace}`,
  ])
  assert.doesNotMatch(
    shown.output + shown.complaint,
    /eyJ[\w-]{10,}|at file:|Error:/,
    'a token or a stack is shown',
  )
  return shown
}

const add = async (name: string, ...args: readonly string[]): Promise<Shown> =>
  await peer('add', name, `--peer-kubeconfig=${spoke.kubeconfig}`, ...args)

const entryOf = (name: string): Ref => ({
  kind: 'Secret',
  namespace: SYSTEM,
  name: `heliograph-peer-${name}`,
})

/** What administrators changed on a control plane since `mark`: the controller and the machinery are somebody else. */
async function written(plane: ControlPlane, mark: AuditMark): Promise<readonly string[]> {
  const isWrite = ({ verb, resource, user }: AuditEntry): boolean =>
    WRITES.has(verb) && !QUESTIONS.has(resource) && !user.startsWith('system:')
  const entries = await plane.own.audit.since(mark)
  return entries
    .filter(isWrite)
    .map(({ verb, resource, namespace, name }) => `${verb} ${resource} ${namespace}/${name}`)
}

async function toldRemoved(name: string): Promise<number> {
  const told = await eventsAbout(home.client, entryOf(name))
  return told.reduce((sum, { reason, count }) => sum + (reason === 'PeerRemoved' ? count : 0), 0)
}

async function marks(): Promise<readonly [AuditMark, AuditMark]> {
  return await Promise.all([home.stage.plane.own.audit.mark(), spoke.own.audit.mark()])
}

async function allWritten([here, there]: readonly [AuditMark, AuditMark]): Promise<readonly string[]> {
  return [...(await written(home.stage.plane, here)), ...(await written(spoke, there))]
}

test('a dry run prints every manifest without a token and writes nothing', async () => {
  const mark = await marks()
  const { code, output } = await add('east', '--origins=origins/*', '--dry-run')
  assert.equal(code, 0)
  for (const kind of ['Namespace', 'ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Secret'])
    assert.match(output, new RegExp(`^kind: ${kind}$`, 'm'))
  assert.match(output, /token: \(left out\)/)
  assert.match(output, /certificate-authority-data/)
  assert.deepEqual(await allWritten(mark), [])
})

test('a peer is added, found in order, and forwarded to', async () => {
  const added = await add('east', '--origins=origins/*')
  assert.deepEqual(
    [added.code, added.output.match(/^made /gm)?.length],
    [0, 5],
    added.output + added.complaint,
  )
  const checked = await peer('check', 'east')
  assert.equal(checked.code, 0, checked.output)
  for (const about of ['server', 'identity', 'rights', 'clock', 'credential'])
    assert.match(checked.output, new RegExp(`^  ok +${about} `, 'm'))
  const kubeSystem = await spoke.client.get({ kind: 'Namespace', name: 'kube-system' })
  assert.ok(checked.output.includes(kubeSystem.metadata.uid ?? '?'))
  const offer = ours({ targets: 'east', 'target-namespaces': 'team-*' })
  await home.client.create(configMap('origins', 'roots', { ca: '1' }, offer))
  await home.client.create(secret('origins', 'login', { password: 'one' }, { annotations: offer }))
  for (const namespace of ['team-a', 'team-b']) {
    await awaitPresent(spoke.client, { kind: 'ConfigMap', namespace, name: 'roots' })
    await awaitPresent(spoke.client, { kind: 'Secret', namespace, name: 'login' })
  }
})

test('added once more nothing is written, and it says so; another wish is refused with what differs', async () => {
  const mark = await marks()
  const again = await add('east', '--origins=origins/*')
  assert.equal(again.code, 0)
  assert.match(again.output, /nothing was changed/)
  const wider = await add('east')
  assert.equal(wider.code, 1)
  assert.match(
    wider.complaint,
    /Secret heliograph\/heliograph-peer-east of home has peer-origins "origins\/\*", not unset/,
  )
  const other = await add('west', '--account=other')
  assert.match(other.complaint, /Peer east is the same cluster/)
  assert.deepEqual(await allWritten(mark), [])
})

test('a new token is brought on demand only, and forwarding goes on with it', async () => {
  const former = await home.client.get(entryOf('east'))
  const renewed = await add('east', '--origins=origins/*', '--renew', '--token-lifetime=2h')
  assert.equal(renewed.code, 0, renewed.complaint)
  const latter = await home.client.get(entryOf('east'))
  assert.notEqual(latter.data?.['kubeconfig'], former.data?.['kubeconfig'])
  await home.client.patch(
    { kind: 'Secret', namespace: 'origins', name: 'login' },
    { stringData: { password: 'two' } },
  )
  const mirror: Ref = { kind: 'Secret', namespace: 'team-a', name: 'login' }
  await awaitPresent(spoke.client, mirror, (each) => plain(each)['password'] === 'two')
  const listed = await peer('list')
  assert.match(
    listed.output,
    /^east +in service +https:\/\/127\.0\.0\.1:\d+ +[0-9a-f-]{36} +\S+ \([12]h\) +all +origins\/\* +heliograph-peer-east$/m,
  )
})

test('a role that allows more is refused with what it allows, and nothing is written', async () => {
  const ref: Ref = { kind: 'ClusterRole', name: 'wide' }
  await spoke.client.create({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: ref.name },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }],
  })
  await home.client.remove(entryOf('east'))
  const mark = await marks()
  const refused = await add('wide', '--account=wide')
  assert.equal(refused.code, 1)
  assert.match(
    refused.complaint,
    /ClusterRole wide on the peer also allows list pods, and does not allow create configmaps/,
  )
  assert.match(refused.complaint, /Nothing was written/)
  assert.deepEqual(await allWritten(mark), [])
})

test('home is no peer of its own', async () => {
  const refused = await peer('add', 'self', `--peer-kubeconfig=${home.stage.plane.kubeconfig}`)
  assert.equal(refused.code, 1)
  assert.match(refused.complaint, /this very cluster/)
})

test('home is looked at first: without its namespace nothing is made, in a dry run neither', async () => {
  const mark = await marks()
  for (const flags of [[], ['--dry-run']]) {
    const way = `--peer-kubeconfig=${spoke.kubeconfig}`
    const { code, complaint, output } = await peerIn(
      'nowhere',
      'add',
      'lost',
      '--account=lost',
      way,
      ...flags,
    )
    assert.deepEqual([code, output], [1, ''])
    assert.match(complaint, /namespace nowhere cannot have a peer’s Secret: it is not there\. .*--namespace/)
  }
  assert.deepEqual(await allWritten(mark), [])
})

test('a namespace of home where no controller has run is told of, and only such a one', async () => {
  const at = async (namespace: string): Promise<Shown> =>
    await peerIn(
      namespace,
      'add',
      'idle',
      '--account=idle',
      '--dry-run',
      `--peer-kubeconfig=${spoke.kubeconfig}`,
    )
  const [idle, own] = [await at('origins'), await at(SYSTEM)]
  assert.deepEqual([idle.code, own.code], [0, 0], idle.complaint + own.complaint)
  assert.match(idle.complaint, /No controller has run in the namespace origins of home yet .*--namespace/)
  assert.doesNotMatch(own.complaint, /No controller/)
  assert.match(own.output, /asked to last 90 d:/)
})

test('an account that another binding gives more is refused by its name, and one that got more later fails the check', async () => {
  const binding: Ref = { kind: 'ClusterRoleBinding', name: 'left-over' }
  const subject = { kind: 'ServiceAccount', name: 'excess', namespace: 'heliograph' }
  const bind = async (): Promise<unknown> =>
    await spoke.client.create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: binding.name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [subject],
    })
  await bind()
  const mark = await marks()
  for (const flags of [['--namespaces=team-a'], ['--namespaces=team-a', '--dry-run'], []]) {
    const refused = await add('excess', '--account=excess', ...flags)
    assert.equal(refused.code, 1)
    assert.match(
      refused.complaint,
      /ClusterRoleBinding left-over on the peer gives ServiceAccount heliograph\/excess the ClusterRole cluster-admin .*delete that binding, or .*--account/,
    )
  }
  assert.deepEqual(await allWritten(mark), [])
  await spoke.client.remove(binding)
  const added = await add('excess', '--account=excess', '--namespaces=team-a')
  assert.equal(added.code, 0, added.complaint)
  assert.equal((await peer('check', 'excess')).code, 0)
  await bind()
  const { code, output } = await peer('check', 'excess')
  assert.equal(code, 1)
  assert.match(output, /FAIL +excess +more than 1 namespace: it may list the Secrets of the whole peer/)
  await spoke.client.remove(binding)
  const forgotten = await peer('forget', 'excess')
  assert.match(forgotten.output, /kubectl -n team-a delete rolebinding,role --ignore-not-found excess$/m)
})

test('another cluster than the Secret means is refused until the annotation is put right', async () => {
  assert.equal((await add('east', '--origins=origins/*')).code, 0)
  const found = (await spoke.client.get({ kind: 'Namespace', name: 'kube-system' })).metadata.uid ?? ''
  await home.client.annotate(entryOf('east'), ours({ 'peer-identity': 'another' }))
  await awaitEvent(home.client, entryOf('east'), 'PeerRefused', ({ message }) =>
    message.includes('another cluster than its annotation peer-identity names'),
  )
  const { code, output } = await peer('check', 'east')
  assert.equal(code, 1)
  assert.match(
    output,
    new RegExp(`FAIL +identity +${found}, but the Secret means another: .*peer-identity=${found}`),
  )
  await home.client.annotate(entryOf('east'), ours({ 'peer-identity': found }))
  assert.equal((await peer('check', 'east')).code, 0)
})

test('an unreachable peer is not taken out of service by clean, which says so, and a refused credential has a next step', async () => {
  const former = await home.client.get(entryOf('east'))
  const broken = (change: (text: string) => string): Promise<unknown> => {
    const text = Buffer.from(former.data?.['kubeconfig'] ?? '', 'base64').toString()
    const data = { kubeconfig: Buffer.from(change(text)).toString('base64') }
    return home.client.patch(entryOf('east'), { data })
  }
  await broken((text) => text.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1'))
  const { code, complaint } = await peer('clean', 'east', '--yes')
  assert.equal(code, 1)
  assert.match(
    complaint,
    /cannot be listed: nothing answers at its address\. It was not taken out of service/,
  )
  assert.match((await peer('list')).output, /^east +in service /m)
  await broken((text) => text.replace(/token: .*/, 'token: void'))
  assert.match(
    (await peer('check', 'east')).output,
    /FAIL +server +.*the credential is refused\. .*heliograph peer add east .*--renew$/m,
  )
  await broken((text) => text)
  assert.equal((await peer('check', 'east')).code, 0)
  assert.equal((await peer('forget', 'east')).code, 0)
})

test('a context that is not there is named with its kubeconfig', async () => {
  const { code, complaint } = await add('east', '--peer-context=nowhere')
  assert.equal(code, 1)
  assert.ok(
    complaint.includes(`kubeconfig ${spoke.kubeconfig} has no context nowhere: kubectl config`),
    complaint,
  )
})

test('single namespaces are granted by roles in them alone, and a missing right is named exactly', async () => {
  // The account that was made for the whole peer is in use by whoever has its token.
  const shared = await add('narrow', '--namespaces=team-a')
  assert.match(
    shared.complaint,
    /ServiceAccount heliograph\/heliograph-peer on the peer was made for another use/,
  )
  const absent = await add('narrower', '--namespaces=team-a,nowhere', '--account=narrower')
  assert.match(absent.complaint, /Namespace nowhere of the peer cannot be granted: it is not there/)
  const added = await add('narrow', '--namespaces=team-a,team-b', '--account=narrow')
  assert.equal(added.code, 0, added.complaint)
  assert.equal(await spoke.client.find({ kind: 'ClusterRole', name: 'narrow' }), null)
  const checked = await peer('check', 'narrow')
  assert.equal(checked.code, 0, checked.output)
  assert.match(checked.output, /identity +[0-9a-f-]{36}, as the Secret says/)
  await spoke.client.patch(
    { kind: 'Role', namespace: 'team-b', name: 'narrow' },
    {
      rules: [
        {
          apiGroups: [''],
          resources: ['secrets', 'configmaps'],
          verbs: ['get', 'list', 'watch', 'patch', 'delete'],
        },
      ],
    },
  )
  const short = await peer('check', 'narrow')
  assert.equal(short.code, 1)
  assert.match(
    short.output,
    /FAIL +rights +missing: create secrets in team-b, create configmaps in team-b, create events in team-b, patch events in team-b$/m,
  )
  assert.equal((await peer('forget', 'narrow')).code, 0)
})

test('forgotten, its mirrors stay and are counted', async () => {
  assert.equal((await add('east', '--origins=origins/*')).code, 0)
  const forgotten = await peer('forget', 'east')
  assert.equal(forgotten.code, 0)
  assert.match(forgotten.output, /On the peer stay 4 mirrors of this home\./)
  assert.match(forgotten.output, /kubectl -n heliograph delete serviceaccount heliograph-peer$/m)
  assert.equal(await home.client.find(entryOf('east')), null)
  assert.notEqual(await spoke.client.find({ kind: 'Secret', namespace: 'team-a', name: 'login' }), null)
  assert.match((await peer('check', 'east')).complaint, /There is no peer east/)
})

test('cleaned, exactly the mirrors of this home go and stay away, though its controller runs and would put them back', async () => {
  assert.equal((await add('east', '--origins=origins/*')).code, 0)
  const { client } = spoke
  const mine: Ref = { kind: 'ConfigMap', namespace: 'team-a', name: 'roots' }
  const copied = await client.get(mine)
  // The marks of a mirror at another place, another home’s mirror, and one that was taken over.
  const marked = (name: string, label: string, changes: Readonly<Record<string, string>>): typeof copied => ({
    ...copied,
    metadata: {
      namespace: 'team-a',
      name,
      labels: ours({ mirror: label }),
      annotations: { ...copied.metadata.annotations, ...changes },
    },
  })
  await client.create(marked('copy', copied.metadata.labels?.[`${PREFIX}mirror`] ?? '', {}))
  const another = ours({ at: 'team-a/foreign', 'origin-cluster': 'another-home' })
  await client.create(marked('foreign', '0123456789abcdef', another))
  await client.annotate({ kind: 'Secret', namespace: 'team-b', name: 'login' }, ours({ adopted: 'true' }))
  const planned = await peer('clean', 'east')
  assert.equal(planned.code, 0)
  assert.match(planned.output, /^3 mirrors would be deleted:\n(  \S+ team-[ab]\/\w+\n){3}1 mirror would stay/)
  assert.match(planned.output, /Nothing was written: add --yes/)
  const removals = await toldRemoved('east')
  const cleaned = await peer('clean', 'east', '--yes')
  assert.equal(cleaned.code, 0, cleaned.complaint)
  assert.match(cleaned.output, /3 mirrors deleted there, 1 left to their owners/)
  for (const ref of [mine, { ...mine, namespace: 'team-b' }]) await awaitAbsent(client, ref)
  assert.equal(await client.find({ kind: 'Secret', namespace: 'team-a', name: 'login' }), null)
  const kept = await client.get({ kind: 'Secret', namespace: 'team-b', name: 'login' })
  assert.deepEqual([plain(kept)['password'], kept.metadata.labels], ['two', undefined])
  for (const name of ['copy', 'foreign'])
    assert.notEqual(await client.find({ kind: 'ConfigMap', namespace: 'team-a', name }), null, name)
  await home.settled()
  assert.equal(await client.find(mine), null)
  assert.equal(await toldRemoved('east'), removals, 'nothing stays there that could be told of')
  assert.match((await peer('list')).output, /^east +out of service /m)
  assert.match((await add('east', '--origins=origins/*')).complaint, /out of service/)
  assert.equal((await peer('forget', 'east')).code, 0)
})
