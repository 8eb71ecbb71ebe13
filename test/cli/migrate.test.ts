/** `heliograph migrate` answers with text, a sentence for what went wrong, and an exit code for scripts. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { migrate } from '../../src/cli/migrate.ts'
import type { MigrateOptions, MigrateTold } from '../../src/cli/migrate.ts'
import { parseSettings } from '../../src/config/parse.ts'

const MARKERS = ['marker-of-a-value', Buffer.from('marker-of-a-value').toString('base64')]

const CLEAR = `
kind: Namespace
metadata: { name: origins }
---
kind: Namespace
metadata: { name: a }
---
kind: Secret
metadata:
  name: x
  namespace: origins
  annotations:
    reflector.v1.k8s.emberstack.com/reflection-allowed: 'true'
    reflector.v1.k8s.emberstack.com/reflection-auto-enabled: 'true'
    reflector.v1.k8s.emberstack.com/reflection-allowed-namespaces: a
    kubectl.kubernetes.io/last-applied-configuration: '{"data":{"k":"${MARKERS[1]}"}}'
data: { k: ${MARKERS[1]} }
stringData: { k: ${MARKERS[0]} }
`
const FOREIGN = `${CLEAR}---\nkind: Secret\nmetadata: { name: x, namespace: a }\n`
const HELD = CLEAR.replace('-namespaces: a', "-namespaces: '*'")

async function told(text: string, more: Partial<MigrateOptions> = {}): Promise<MigrateTold> {
  const settings = parseSettings([], {}, () => null)
  assert.ok(settings.ok)
  return await migrate({
    settings: settings.value,
    environment: {},
    version: '0.0.0',
    signal: new AbortController().signal,
    fromInput: true,
    toNative: false,
    // In the middle of a character, too.
    input: pieces(Buffer.from(text)),
    ...more,
  })
}

// oxlint-disable-next-line require-await -- a stream is asynchronous, whatever it holds
async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7)
}

for (const [what, text, code, line] of [
  ['nothing to look at', CLEAR, 0, /Nothing needs a look\. Exit code 0; nothing was written\.\n$/],
  ['something in the way', FOREIGN, 3, /warning unmanaged-in-the-way: /],
  ['a held origin', HELD, 4, /blocker bad-pattern: /],
  [
    'no object of another tool',
    'kind: List\nitems: []\n',
    0,
    /^0 origins and 0 pull mirrors of other tools; /,
  ],
] as const)
  test(`${what}: code ${code}, whichever form is printed, and no value in it`, async () => {
    const report = await told(text)
    const native = await told(text, { toNative: true })
    assert.match(report.output, line)
    assert.deepEqual([report.exitCode, native.exitCode], [code, code])
    assert.deepEqual([report.complaint, native.complaint], ['', ''])
    for (const marker of MARKERS) assert.ok(!`${report.output}${native.output}`.includes(marker))
  })

test('lines fit a terminal, and the report ends with one newline', async () => {
  const { output } = await told(`${FOREIGN}---\n${HELD.replace('name: x', 'name: z')}`)
  assert.deepEqual(
    output.split('\n').filter((line) => line.length > 100),
    [],
  )
  assert.ok(output.endsWith('\n') && !output.endsWith('\n\n'))
})

test('native annotations are lines for a shell, one object each', async () => {
  const { output } = await told(CLEAR, { toNative: true })
  assert.match(
    output,
    /^kubectl annotate secret --namespace origins x --overwrite 'heliograph\.dev\/reflect-to=a' 'heliograph\.dev\/allow-pull=a'$/m,
  )
})

test('a stream without end is refused with a sentence and code 1', async () => {
  const block = new Uint8Array(64 * 1024 * 1024)
  // oxlint-disable-next-line require-await -- a stream is asynchronous, whatever it holds
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield block
  }
  const { output, complaint, exitCode } = await told('', { input: endless() })
  assert.deepEqual([output, exitCode], ['', 1])
  assert.match(complaint, /^heliograph: The stream has more than \d+ bytes\.\n$/)
})

test('an empty stream is no clean cluster: what fills the pipe may have failed', async () => {
  for (const text of ['', '\n', '---\n---\n']) {
    const { output, complaint, exitCode } = await told(text)
    assert.deepEqual([output, exitCode], ['', 1])
    assert.equal(complaint, 'heliograph: There is no document in the stream.\n')
  }
})

test('a stream that breaks off is refused with a sentence and code 1', async () => {
  // oxlint-disable-next-line require-await -- a stream is asynchronous, whatever it holds
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(CLEAR)
    throw new Error(MARKERS[0])
  }
  const { output, complaint, exitCode } = await told('', { input: broken() })
  assert.deepEqual(
    [output, complaint, exitCode],
    ['', 'heliograph: Standard input broke off, or cannot be read.\n', 1],
  )
})
