/** Where scenarios play: one control plane and one installed chart for a file of tests, and namespaces of its own for each test. */

import { after } from 'node:test'

import type { ControlPlane } from '../control-plane/plane.ts'
import { startControlPlane } from '../control-plane/start.ts'
import type { StartOptions } from '../control-plane/start.ts'
import { awaitPresent } from './await.ts'
import { installChart } from './chart.ts'
import type { ChartOptions, Installation } from './chart.ts'
import type { Client } from './client.ts'
import { launchController, startController } from './controller.ts'
import type { Controller, ControllerOptions } from './controller.ts'
import { configMap } from './objects.ts'
import type { Metadata } from './objects.ts'

/** Where the controller lives, unless a stage says otherwise. */
export const SYSTEM = 'heliograph'
const CANARY = 'canary'
/** The first shows that what was told before is queued, the second that what was queued before is done. */
const CANARY_ROUNDS = 2

export interface StageOptions extends StartOptions {
  /** The chart's settings: `{ consent: 'required' }`. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly values?: ChartOptions['values']
}

export interface Stage {
  readonly plane: ControlPlane
  /** The administrator. */
  readonly client: Client
  readonly installation: Installation
  /** The username of the controller in the audit log. */
  readonly user: string
  /** Starts the controller as the chart would, and waits until it is ready. It ends with the file at the latest. */
  start(options?: Partial<ControllerOptions>): Promise<Controller>
  /** The same without waiting. */
  launch(options?: Partial<ControllerOptions>): Promise<Controller>
  /** New namespaces that begin with these words and are nobody else's. */
  namespaces<const Words extends readonly string[]>(...words: Words): Promise<{ [K in keyof Words]: string }>
  /** One new namespace with labels or annotations: `{ annotations: { 'heliograph.dev/refuse': '*' } }`. */
  namespace(word: string, metadata?: Partial<Metadata>): Promise<string>
  /**
   * Waits until the running controller has dealt with all that was done before the call to origins of `namespace`: a canary
   * that is offered there afterwards has arrived, twice. What has not happened by then does not happen.
   */
  settled(namespace: string): Promise<void>
}

/** Opens a stage for the calling test file; everything of it goes when the file's tests are over. */
export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const plane = await startControlPlane(options)
  const controllers = new Set<Controller>()
  after(async () => {
    await Promise.all([...controllers].map((each) => each.kill()))
    await plane.stop()
  })
  const installation = await installChart(plane, {
    namespace: SYSTEM,
    ...(options.values === undefined ? {} : { values: options.values }),
    ...(options.settings === undefined ? {} : { settings: options.settings }),
  })
  const { client } = plane
  let made = 0
  const unique = (word: string): string => `${word}-${process.pid.toString(36)}-${(made += 1)}`
  const keep = (controller: Controller): Controller => {
    controllers.add(controller)
    return controller
  }
  const named = (given: Partial<ControllerOptions> = {}): ControllerOptions => ({
    installation,
    name: unique('controller'),
    ...given,
  })
  const namespace = async (word: string, metadata: Partial<Metadata> = {}): Promise<string> => {
    const name = unique(word)
    await client.createNamespace(name, metadata)
    return name
  }
  return {
    plane,
    client,
    installation,
    user: `system:serviceaccount:${installation.namespace}:${installation.serviceAccount}`,
    start: async (given) => keep(await startController(plane, named(given))),
    launch: async (given) => keep(await launchController(plane, named(given))),
    namespace,
    namespaces: async (...words) => {
      const names: string[] = []
      for (const word of words) names.push(await namespace(word))
      return names as { [K in keyof typeof words]: string }
    },
    settled: async (origins) => await sendCanary(client, origins, unique),
  }
}

async function sendCanary(client: Client, origins: string, unique: (word: string) => string): Promise<void> {
  if ((await client.find({ kind: 'Namespace', name: CANARY })) === null) await client.createNamespace(CANARY)
  for (let round = 0; round < CANARY_ROUNDS; round += 1) {
    const name = unique(CANARY)
    await client.create(configMap(origins, name, { a: '1' }, { 'heliograph.dev/reflect-to': CANARY }))
    await awaitPresent(client, { kind: 'ConfigMap', namespace: CANARY, name }, () => true, {
      what: `the canary of ${origins} arrives`,
    })
    await client.remove({ kind: 'ConfigMap', namespace: origins, name })
  }
}
