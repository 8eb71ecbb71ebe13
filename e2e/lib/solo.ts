/** One controller on a stage of its own, stopped and started as a scenario wants, and a barrier that says «it has dealt with all that came before». */

import assert from 'node:assert/strict'

import type { AuditEntry, AuditMark } from '../control-plane/audit.ts'
import { awaitPresent } from './await.ts'
import type { Client } from './client.ts'
import type { Controller, ControllerOptions } from './controller.ts'
import { ours } from './marks.ts'
import { say } from './objects.ts'
import type { KubeObject, Ref } from './objects.ts'
import { openStage } from './stage.ts'
import type { Stage, StageOptions } from './stage.ts'

const BEACON = 'beacon'
const BEACON_HOME = 'beacon-home'
const CHANGES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])

/** Opens a stage whose controller is not started yet. Mirrors of an origin that is gone go at once unless a grace is set. */
export async function openSolo(options: StageOptions = {}): Promise<Solo> {
  const settings = { deletionGrace: '0s', ...options.settings }
  const stage = await openStage({ ...options, settings })
  await stage.client.createNamespace(BEACON_HOME)
  return new Solo(stage)
}

/** The same, with the controller started. */
export async function startSolo(options: StageOptions = {}): Promise<Solo> {
  const solo = await openSolo(options)
  await solo.start()
  return solo
}

export class Solo {
  readonly stage: Stage
  readonly client: Client
  #controller: Controller | null = null
  #past: readonly string[] = []
  #beacons = 0

  constructor(stage: Stage) {
    this.stage = stage
    this.client = stage.client
  }

  get controller(): Controller {
    assert(this.#controller !== null, 'the controller is stopped')
    return this.#controller
  }

  async start(options?: Partial<ControllerOptions>): Promise<void> {
    this.#controller = await this.stage.start(options)
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    const stopped = this.controller
    this.#controller = null
    await stopped.stop()
    this.#past = [...this.#past, ...stopped.lines()]
  }

  async restart(options?: Partial<ControllerOptions>): Promise<void> {
    await this.stop()
    await this.start(options)
  }

  /** Does `unseen` while no controller runs. */
  async whileStopped<T>(unseen: () => Promise<T>): Promise<T> {
    await this.stop()
    const done = await unseen()
    await this.start()
    return done
  }

  /** All lines of all controllers that ran here, oldest first. */
  said(): readonly string[] {
    return [...this.#past, ...(this.#controller?.lines() ?? [])]
  }

  /**
   * Resolves when the controller has dealt with all that came before: twice, a change of each kind that begins in a namespace
   * newer than all went its whole way through watches, index, queue and writes.
   */
  async settled(): Promise<void> {
    this.#beacons += 1
    const name = `${BEACON}-${this.#beacons}`
    await this.client.createNamespace(name, { annotations: ours({ accept: `${BEACON_HOME}/*` }) })
    for (const turn of ['1', '2']) {
      const beacons = (['Secret', 'ConfigMap'] as const).map((kind) => beacon(kind, name, turn))
      await Promise.all(beacons.map((each) => this.client.apply(each, BEACON)))
      await Promise.all(beacons.map((each) => this.#awaitBeacon(each, name)))
    }
  }

  async #awaitBeacon(sent: KubeObject, name: string): Promise<void> {
    const ref: Ref = { kind: sent.kind ?? '', namespace: name, name }
    const turn = sent.data?.['turn']
    await awaitPresent(this.client, ref, ({ data }) => data?.['turn'] === turn, {
      what: 'shows that the controller has dealt with all that came before',
      unless: this.controller.exited.then(() => Promise.reject(new Error('the controller ended'))),
    })
  }

  async mark(): Promise<AuditMark> {
    return await this.stage.plane.own.audit.mark()
  }

  /** The controller's requests since `mark`; those for its beacons left out. */
  async asked(mark?: AuditMark): Promise<readonly AuditEntry[]> {
    const entries = await this.stage.plane.own.audit.since(mark)
    return entries.filter(({ user, namespace }) => user === this.stage.user && !namespace.startsWith(BEACON))
  }

  /** The controller's requests for changes of Secrets and ConfigMaps outside its own namespace: `patch secrets a/b 200`. */
  async changes(mark?: AuditMark): Promise<readonly string[]> {
    const isChange = ({ verb, resource, namespace }: AuditEntry): boolean =>
      CHANGES.has(verb) &&
      (resource === 'secrets' || resource === 'configmaps') &&
      namespace !== this.stage.installation.namespace
    return (await this.asked(mark))
      .filter(isChange)
      .map(({ verb, resource, namespace, name, code }) => `${verb} ${resource} ${namespace}/${name} ${code}`)
  }

  /** Uid and version of what stands at `refs`: equal snapshots mean that nothing was written in between. */
  async snapshot(refs: readonly Ref[]): Promise<readonly string[]> {
    return await Promise.all(refs.map(async (ref) => stateOf(ref, await this.client.find(ref))))
  }
}

function stateOf(ref: Ref, object: KubeObject | null): string {
  const { uid = '', resourceVersion = '' } = object?.metadata ?? {}
  return `${say(ref)} ${object === null ? 'absent' : `${uid} ${resourceVersion}`}`
}

function beacon(kind: 'Secret' | 'ConfigMap', name: string, turn: string): KubeObject {
  const text = kind === 'Secret' ? Buffer.from(turn).toString('base64') : turn
  const metadata = { namespace: BEACON_HOME, name, annotations: ours({ 'reflect-to': name }) }
  return { apiVersion: 'v1', kind, metadata, data: { turn: text } }
}
