/** A bad setting: the process refuses to start, and lists every mistake with its rule. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { withDeadline } from '../lib/await.ts'
import type { ControllerOptions } from '../lib/controller.ts'
import { openStage } from '../lib/stage.ts'

const stage = await openStage()
const EXIT_MISTAKE = 2

/** Starts a controller that must end by itself, and answers its code and its lines. */
async function refused(
  given: Partial<ControllerOptions>,
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  const controller = await stage.launch(given)
  try {
    const { code } = await withDeadline(controller.exited, {}, () => 'the controller does not end')
    return { code, lines: controller.lines() }
  } finally {
    await controller.kill()
  }
}

/** Variable, bad value, rule. */
const BAD_SETTINGS: readonly (readonly [variable: string, value: string, rule: RegExp])[] = [
  ['HELIOGRAPH_PREFIX', 'heliograph.dev', /DNS name that ends with a slash/],
  ['HELIOGRAPH_PREFIX', 'k8s.io/', /Kubernetes keeps for itself/],
  ['HELIOGRAPH_KINDS', 'Secret, Pod', /list of Secret, ConfigMap/],
  ['HELIOGRAPH_KINDS', '', /list of Secret, ConfigMap/],
  ['HELIOGRAPH_ORIGIN_NAMESPACES', '!team-x', /exclusions alone match nothing/],
  ['HELIOGRAPH_TARGET_NAMESPACES', 'team-**', /\*\* is not supported/],
  ['HELIOGRAPH_PROTECTED_NAMESPACES', '[', /balanced/],
  ['HELIOGRAPH_ALLOWED_NAMESPACES', '+(a)', /extended globs/],
  ['HELIOGRAPH_CONSENT', 'Required', /one of open, required/],
  ['HELIOGRAPH_TRUSTED_ORIGINS', '#', /# is not supported/],
  ['HELIOGRAPH_REFUSED_TYPES', '!helm.sh/release.v1', /refused in any case/],
  ['HELIOGRAPH_REFUSED_KEYS', '{a}', /two or more alternatives/],
  ['HELIOGRAPH_REFUSED_NAMES', 'kube-root-ca.crt', /ConfigMap\/kube-root-ca\.crt/],
  ['HELIOGRAPH_NEVER_CARRY', '\\', /backslash/],
  ['HELIOGRAPH_MIRRORS_PER_ORIGIN_MAX', '0', /whole number from 1 to/],
  ['HELIOGRAPH_BYTES_PER_ORIGIN_MAX', '1M', /Ki, Mi or Gi/],
  ['HELIOGRAPH_ORIGINS_PER_NAMESPACE_MAX', '1.5', /whole number/],
  ['HELIOGRAPH_RENDERING_BYTES_MAX', '1Mi', /from 8Mi/],
  ['HELIOGRAPH_WRITES_IN_FLIGHT_MAX', '65', /from 2 to 64/],
  ['HELIOGRAPH_DELETION_GRACE', '5', /number with a unit/],
  ['HELIOGRAPH_SWEEP_INTERVAL', '1s', /from 10m/],
  ['HELIOGRAPH_SWEEP_READS_PER_SECOND_MAX', 'many', /whole number/],
  ['HELIOGRAPH_AUDIT_INTERVAL', '-1m', /number with a unit/],
  ['HELIOGRAPH_LEADER_ELECTION', 'True', /true or false/],
  ['HELIOGRAPH_DRAIN', '11m', /to 10m/],
  ['HELIOGRAPH_LISTEN', '8080', /HOST:PORT/],
  ['HELIOGRAPH_LOG_LEVEL', 'verbose', /one of debug, info, warn, error/],
  ['HELIOGRAPH_LOG_FORMAT', 'xml', /one of json, text/],
  ['POD_NAMESPACE', 'Kube_System', /name of a namespace/],
]

test('each bad setting keeps the process from starting, and all of them are told at once', async () => {
  // The last of two bad values of one variable wins: the first of them is tried alone.
  const environment = Object.fromEntries(BAD_SETTINGS.map(([variable, value]) => [variable, value]))
  const { code, lines } = await refused({ environment })
  assert.equal(code, EXIT_MISTAKE)
  for (const [variable, value, rule] of BAD_SETTINGS) {
    if (environment[variable] !== value) continue
    const [line = '', ...more] = lines.filter((each) => each.startsWith(`heliograph: ${variable}: `))
    assert.deepEqual(more, [], `${variable} is told once`)
    assert.match(line, rule, `${variable}=${value}: ${lines.join('\n')}`)
    assert.ok(line.endsWith(`; it is ${JSON.stringify(value)}`), line)
  }
  assert.equal(lines.length, Object.keys(environment).length, lines.join('\n'))
})

test('each first of two bad values is refused as well', async () => {
  const twice = BAD_SETTINGS.filter(
    ([variable], index) => BAD_SETTINGS.findIndex(([other], at) => other === variable && at > index) > index,
  )
  assert.ok(twice.length > 0)
  for (const [variable, value, rule] of twice) {
    const { code, lines } = await refused({ environment: { [variable]: value } })
    assert.equal(code, EXIT_MISTAKE, `${variable}=${value}`)
    assert.match(lines.join('\n'), rule)
    assert.equal(lines.length, 1, lines.join('\n'))
  }
})

test('what is unknown, doubled or contradictory is a mistake too, with the name that was probably meant', async () => {
  const { code, lines } = await refused({
    environment: {
      HELIOGRAPH_CONSNT: 'required',
      HELIOGRAPH_TARGETNAMESPACES: '*',
      HELIOGRAPH_AUDIT_INTERVAL: '2h',
    },
    args: [
      '--originNamespaces=*',
      '--consent=open',
      '--consent=required',
      '--kinds',
      '--sweep-interval=1h',
      'stray',
    ],
  })
  assert.equal(code, EXIT_MISTAKE)
  const text = lines.join('\n')
  for (const told of [
    /HELIOGRAPH_CONSNT: no such setting/,
    /HELIOGRAPH_TARGETNAMESPACES: no such setting; did you mean HELIOGRAPH_TARGET_NAMESPACES\?/,
    /--originNamespaces: no such flag; did you mean --origin-namespaces\?/,
    /--consent: may be given once/,
    /--kinds: needs a value/,
    /--audit-interval: must not be longer than --sweep-interval/,
    /stray: only flags are taken here/,
  ])
    assert.match(text, told)
})

test('an unknown command is refused with the commands that there are', async () => {
  const { code, lines } = await refused({ installation: { ...stage.installation, args: ['walk'] } })
  assert.equal(code, EXIT_MISTAKE)
  assert.match(lines.join('\n'), /walk/)
  assert.match(lines.join('\n'), /\brun\b/)
})

test('a namespace of its own that is absent ends the process with a sentence that names it', async () => {
  const { code, lines } = await refused({ environment: { POD_NAMESPACE: 'nowhere' } })
  assert.equal(code, EXIT_MISTAKE, lines.join('\n'))
  assert.match(lines.join('\n'), /nowhere/)
})

test('settings that are right start, and one flag beats its variable', async () => {
  const controller = await stage.start({
    environment: { HELIOGRAPH_LOG_FORMAT: 'text', HELIOGRAPH_LOG_LEVEL: 'verbose' },
    args: ['--log-level=debug'],
  })
  await controller.stop()
})
