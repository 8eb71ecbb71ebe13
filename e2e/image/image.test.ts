/** The Dockerfile, built as it stands and run as the chart runs it: one file, no root, nothing written, a clean end. */

import assert from 'node:assert/strict'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { commitBase } from './base.ts'
import { openImages } from './tools.ts'
import type { Images } from './tools.ts'

const ROOT = join(import.meta.dirname, '../..')
const IMAGE = 'localhost/heliograph:test'
const MIB = 1 << 20
const MEMORY_LIMIT_MIB = 256

/** As the chart's security context; the two bounds on processes and files are for machines without CAP_SYS_RESOURCE. */
const RESTRICTED = [
  '--ulimit=nofile=20000:20000',
  '--ulimit=nproc=4096:4096',
  '--network=host',
  '--read-only',
  '--read-only-tmpfs=false',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  `--memory=${MEMORY_LIMIT_MIB}m`,
]

interface ImageConfig {
  readonly User: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
}

let images: Images
let config: ImageConfig

before(async () => {
  images = await openImages()
  await commitBase(images)
  await images.buildah('bud', '--isolation', 'chroot', '--pull-never', '-t', IMAGE, ROOT)
  config = JSON.parse(
    await images.podman('inspect', '--type', 'image', '--format', '{{json .Config}}', IMAGE),
  ) as ImageConfig
})

after(() => images[Symbol.asyncDispose]())

test('the image adds one file to its base: no node_modules, no source, no map', async () => {
  const container = await images.buildah('from', '--pull-never', IMAGE)
  const root = await images.buildah('mount', container)
  assert.deepEqual(await readdir(join(root, 'app'), { recursive: true }), ['heliograph.mjs'])
  const top = await readdir(root)
  assert.deepEqual(
    top.filter((name) => ['build', 'src', 'node_modules'].includes(name)),
    [],
  )
})

test('the image starts Node itself, as a user that the kubelet can prove not to be root', () => {
  assert.match(config.User, /^[1-9]\d*:[1-9]\d*$/)
  assert.equal(config.Entrypoint[0], 'node')
  assert.deepEqual(config.Cmd, ['run'])
})

test('the heap is sized by the memory limit, with room for what lies outside it', async () => {
  const flags = config.Entrypoint.slice(1, -1)
  const print = 'process.stdout.write(String(v8.getHeapStatistics().heap_size_limit))'
  const limit = Number(
    await images.podman('run', '--rm', ...RESTRICTED, '--entrypoint', 'node', IMAGE, ...flags, '-e', print),
  )
  assert.ok(limit > MEMORY_LIMIT_MIB * MIB * 0.5, `heap limit ${limit}`)
  assert.ok(limit < MEMORY_LIMIT_MIB * MIB * 0.75, `heap limit ${limit}`)
})

test('a mistake in the settings is refused with its rule, not with a stack', async () => {
  const { code, stderr } = await images.tryPodman(
    'run',
    '--rm',
    ...RESTRICTED,
    IMAGE,
    'run',
    '--no-such-setting=1',
  )
  assert.notEqual(code, 0)
  assert.match(stderr, /no-such-setting/)
  assert.doesNotMatch(stderr, /^\s+at /m)
})

test('the controller runs restricted, stays alive without its API server, and ends with 0 on SIGTERM', async () => {
  const port = await freePort()
  const name = `heliograph-${process.pid}`
  const pod = [
    '--env=KUBERNETES_SERVICE_HOST=127.0.0.1',
    '--env=KUBERNETES_SERVICE_PORT=1',
    '--env=POD_NAMESPACE=kube-system',
  ]
  const listen = `--env=HELIOGRAPH_LISTEN=127.0.0.1:${port}`
  const account = `--volume=${await serviceAccount()}:/var/run/secrets/kubernetes.io/serviceaccount:ro`
  await images.podman('run', '--detach', '--name', name, ...RESTRICTED, ...pod, listen, account, IMAGE)
  try {
    assert.equal(await untilAnswered(`http://127.0.0.1:${port}/livez`, () => logsIfEnded(name)), 200)
    const pid = await images.podman('inspect', '--format', '{{.State.Pid}}', name)
    await assertRestricted(pid)
    await images.podman('kill', '--signal', 'TERM', name)
    const code = await images.podman('wait', name)
    assert.equal(code, '0', (await images.tryPodman('logs', name)).stdout)
  } finally {
    await images.tryPodman('rm', '--force', '--time', '0', name)
  }
})

/** What the kernel says of the process, whatever flags were given. */
async function assertRestricted(pid: string): Promise<void> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m)
  assert.match(status, /^Gid:\t10001\t10001\t10001\t10001$/m)
  assert.match(status, /^CapEff:\t0+$/m)
  assert.match(status, /^CapBnd:\t0+$/m)
  assert.match(status, /^NoNewPrivs:\t1$/m)
  assert.match(status, /^NSpid:.*\t1$/m)
  const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8')
  assert.match(mounts, /^\d+ \d+ \S+ \S+ \/ ro[, ]/m)
}

async function serviceAccount(): Promise<string> {
  const folder = join(images.folder, 'account')
  await mkdir(folder, { recursive: true })
  const authorities = await readFile('/etc/ssl/certs/ca-certificates.crt', 'utf8')
  const first = authorities.slice(0, authorities.indexOf('-----END CERTIFICATE-----') + 26)
  await writeFile(join(folder, 'ca.crt'), `${first}\n`)
  await writeFile(join(folder, 'token'), 'no-token-of-any-cluster')
  await writeFile(join(folder, 'namespace'), 'kube-system')
  return folder
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

async function logsIfEnded(name: string): Promise<string | null> {
  const state = await images.podman('inspect', '--format', '{{.State.Status}}', name)
  if (state === 'running' || state === 'created') return null
  const { stdout, stderr } = await images.tryPodman('logs', name)
  return `${state}: ${stdout}${stderr}`
}

/** The status code of the first answer. Fails with the logs as soon as the container has ended. */
async function untilAnswered(url: string, ended: () => Promise<string | null>): Promise<number> {
  for (;;) {
    const code = await answer(url)
    if (code !== null) return code
    const logs = await ended()
    assert.equal(logs, null, 'the container ended before it answered')
  }
}

function answer(url: string): Promise<number | null> {
  return new Promise((resolve) => {
    request(url, (response) => {
      response.resume()
      resolve(response.statusCode ?? null)
    })
      .once('error', () => resolve(null))
      .end()
  })
}
