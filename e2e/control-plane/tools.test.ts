/** What is missing is told in one sentence that says what to do, and a build is never made twice or left half done. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createServer, connect } from 'node:tls'
import type { AddressInfo } from 'node:net'

import { makeAuthority } from './certificates.ts'
import { takeLock } from './lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'heliograph-tools-'))
after(() => rmSync(folder, { recursive: true }))

const MAIN = join(import.meta.dirname, 'main.ts')

/** Runs `main.ts up` where it must fail before it starts anything; answers what it said. */
function refusal(env: NodeJS.ProcessEnv): Promise<{ readonly code: unknown; readonly stderr: string }> {
  const clean = { PATH: folder, HOME: folder, XDG_CACHE_HOME: join(folder, 'cache'), ...env }
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'up'], { env: clean }, (error, _stdout, stderr) => {
      resolve({ code: error?.code ?? 0, stderr })
    })
  })
}

test('without Go and without either variable one sentence says what to do', async () => {
  const { code, stderr } = await refusal({})
  assert.equal(code, 1)
  assert.match(
    stderr,
    /^The control plane .* install Go 1\.26 or newer .* KUBEBUILDER_ASSETS .* HELIOGRAPH_TEST_KUBECONFIG .*\.\n$/,
  )
})

test('a Go that cannot build the module is named with what it says', async () => {
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'go'), '#!/bin/sh\necho "go: go.mod requires go >= 1.26.0" >&2\nexit 1\n', {
    mode: 0o755,
  })
  symlinkSync('/bin/sh', join(bin, 'sh'))
  const { stderr } = await refusal({ PATH: bin })
  assert.match(stderr, /install Go 1\.26 or newer.*go\.mod requires go >= 1\.26\.0/)
})

test('KUBEBUILDER_ASSETS without the programs is refused, naming the one that is missing', async () => {
  const { stderr } = await refusal({ KUBEBUILDER_ASSETS: folder })
  assert.match(stderr, /^KUBEBUILDER_ASSETS is set to .*, but no program etcd is there: .*\.\n$/)
})

test('HELIOGRAPH_TEST_KUBECONFIG that is no kubeconfig is refused with its path', async () => {
  const { code, stderr } = await refusal({ HELIOGRAPH_TEST_KUBECONFIG: '/nowhere/kubeconfig' })
  assert.equal(code, 1)
  assert.match(stderr, /^HELIOGRAPH_TEST_KUBECONFIG is \/nowhere\/kubeconfig, which cannot be read .*\.\n$/)
})

test('HELIOGRAPH_TEST_KUBECONFIG with a cluster that does not answer is refused', async () => {
  const path = join(folder, 'gone.kubeconfig')
  writeFileSync(
    path,
    `{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}],
      clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: a, user: {token: t}}]}`,
  )
  const { stderr } = await refusal({ HELIOGRAPH_TEST_KUBECONFIG: path })
  assert.match(stderr, /^HELIOGRAPH_TEST_KUBECONFIG is .*, but its cluster does not answer: .*\.\n$/)
})

test('a lock is held by one, and taken by the next when it is released', async () => {
  const path = join(folder, 'one.lock')
  const first = await takeLock(path, () => assert.fail('nobody holds it'))
  const { promise: waited, resolve } = Promise.withResolvers<void>()
  let isTaken = false
  const second = takeLock(path, resolve).then((lock) => {
    isTaken = true
    return lock
  })
  await waited
  assert.equal(isTaken, false)
  await first[Symbol.asyncDispose]()
  await (await second)[Symbol.asyncDispose]()
  assert.equal(existsSync(path), false)
})

test('the lock of a process that is gone, or that stopped touching it, is taken over', async () => {
  const dead = join(folder, 'dead.lock')
  writeFileSync(dead, '4194305\n')
  await (await takeLock(dead, () => {}))[Symbol.asyncDispose]()
  const silent = join(folder, 'silent.lock')
  writeFileSync(silent, `${process.pid}\n`)
  utimesSync(silent, new Date(0), new Date(0))
  await (await takeLock(silent, () => {}))[Symbol.asyncDispose]()
})

test('a certificate is trusted by whoever trusts its authority, for its names and in its time only', async () => {
  const authority = makeAuthority('tried')
  const altNames = ['127.0.0.1', 'localhost']
  const good = authority.issue({ commonName: 'server', altNames })
  const past = { notBefore: new Date('2001-01-01'), notAfter: new Date('2002-01-01') }
  const old = authority.issue({ commonName: 'server', altNames, ...past })
  assert.equal(await handshake(good, authority.certificatePem, 'localhost'), 'trusted')
  assert.equal(
    await handshake(good, makeAuthority('tried').certificatePem, 'localhost'),
    'CERT_SIGNATURE_FAILURE',
  )
  assert.equal(await handshake(good, authority.certificatePem, 'elsewhere'), 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.equal(await handshake(old, authority.certificatePem, 'localhost'), 'CERT_HAS_EXPIRED')
})

async function handshake(
  pair: { readonly certificatePem: string; readonly keyPem: string },
  ca: string,
  servername: string,
): Promise<string> {
  const server = createServer({ cert: pair.certificatePem, key: pair.keyPem }, (socket) => socket.end())
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const said = await new Promise<string>((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername }, () => resolve('trusted'))
    socket
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      .on('close', () => {})
    socket.resume()
  })
  await new Promise((resolve) => server.close(resolve))
  return said
}
