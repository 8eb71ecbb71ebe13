/** Starts a real control plane on loopback in seconds, and never leaves one behind. */

import { closeSync, openSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { Client } from '../lib/client.ts'
import { readAudit } from './audit.ts'
import type { Progress } from './build.ts'
import { forgetFolder, startChild } from './child.ts'
import type { Child } from './child.ts'
import { apiServerCommand, controllerManagerCommand, etcdCommand, layGround } from './components.ts'
import type { Flags, Ground } from './components.ts'
import { existingCluster } from './existing.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { makeFolder, noteProcess, sweepLeftovers } from './leftovers.ts'
import { Mistake } from './mistake.ts'
import type { ControlPlane, Ending, OwnControlPlane } from './plane.ts'
import { freePorts } from './ports.ts'
import { controlPlanePrograms } from './tools.ts'
import type { Command, ControlPlanePrograms } from './tools.ts'

export interface StartOptions {
  readonly flags?: Partial<Flags>
  /** Where a first build shows how far it is; standard error unless given. */
  readonly progress?: Progress
}

/** Another process may take a port between our look and the component's: then all is started anew. */
const TRIES_MAX = 3
const READY_MS_MAX = 60_000
const READY_PROBE_APART_MS = 50
const LOG_TAIL_CHARS = 2_000

/**
 * A control plane that nobody else uses; several can run side by side. With HELIOGRAPH_TEST_KUBECONFIG the cluster of
 * that file instead. Throws a {@link Mistake} where a program is missing.
 */
export async function startControlPlane(options: StartOptions = {}): Promise<ControlPlane> {
  const existing = process.env['HELIOGRAPH_TEST_KUBECONFIG'] ?? ''
  if (existing !== '') return await existingCluster(existing)
  const programs = await controlPlanePrograms(options.progress)
  await sweepLeftovers()
  const flags: Flags = { etcd: [], apiServer: [], controllerManager: [], ...options.flags }
  for (let tries = 1; ; tries += 1) {
    const running = new Components(programs, flags)
    try {
      return await running.start()
    } catch (error) {
      await running.stop()
      if (tries >= TRIES_MAX || !(error instanceof PortTaken)) throw error
    }
  }
}

class PortTaken extends Error {}

/** The components' processes; each keeps its log in the folder. */
class Components {
  readonly #programs: ControlPlanePrograms
  #flags: Flags
  #folder = ''
  #ground: Ground | null = null
  #client: Client | null = null
  #etcd: Child | null = null
  #apiServer: Child | null = null
  #manager: Child | null = null

  constructor(programs: ControlPlanePrograms, flags: Flags) {
    this.#programs = programs
    this.#flags = flags
  }

  async start(): Promise<ControlPlane> {
    const [etcd = 0, etcdPeers = 0, apiServer = 0] = await freePorts(3)
    this.#folder = await makeFolder()
    const ground = await layGround(this.#folder, { etcd, etcdPeers, apiServer })
    this.#ground = ground
    const url = `https://127.0.0.1:${apiServer}`
    const caPem = ground.authority.certificatePem
    const client = new Client({ server: url, caPem, token: ground.adminToken })
    this.#client = client
    this.#etcd = this.#run('etcd', etcdCommand(this.#programs.etcd, ground, this.#flags.etcd))
    await this.#startApiServer()
    await this.#startManager()
    return {
      url,
      caPem,
      client,
      folder: this.#folder,
      kubeconfig: ground.adminKubeconfig,
      authority: ground.authority,
      own: this.#controls(ground, client),
      kubeconfigFor: async (name, access) => {
        const path = join(this.#folder, `${name}.kubeconfig`)
        await writeKubeconfig(path, { server: url, caPem, ...access })
        return path
      },
      requireControllers: (forWhat) => {
        if (this.#manager !== null) return
        throw new Mistake(
          `${forWhat} needs a controller manager, which the programs of KUBEBUILDER_ASSETS have not: unset it to have one built.`,
        )
      },
      stop: () => this.stop(),
      [Symbol.asyncDispose]: () => this.stop(),
    }
  }

  /** SIGKILL is enough: the data goes with it. */
  async stop(): Promise<void> {
    await Promise.all([this.#manager?.kill(), this.#apiServer?.kill()])
    await this.#etcd?.kill()
    await this.#client?.close()
    if (this.#folder === '') return
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 })
    forgetFolder(this.#folder)
  }

  #controls(ground: Ground, client: Client): OwnControlPlane {
    const restart = async (how: Ending = 'crash'): Promise<void> => {
      await this.#endApiServer(how)
      await this.#startApiServer()
    }
    const server = (): Child => this.#apiServer ?? missing('kube-apiserver')
    return {
      audit: readAudit(ground.auditLog, async (path) => void (await client.request('GET', path))),
      get apiServerPid() {
        return server().pid
      },
      restartApiServer: async ({ how, flags } = {}) => {
        if (flags !== undefined) this.#flags = { ...this.#flags, apiServer: flags }
        await restart(how)
      },
      stopApiServer: async (how = 'crash') => {
        await this.#endApiServer(how)
        return { start: () => this.#startApiServer() }
      },
      freezeApiServer: () => server().send('SIGSTOP'),
      thawApiServer: () => server().send('SIGCONT'),
      compact: () => compactEtcd(ground.ports.etcd),
      expireHistory: async () => {
        // A write of our own, so that every version that a test can have seen lies before the compaction.
        await client.annotate(
          { kind: 'Namespace', name: 'default' },
          { 'history-expired-at': String(Date.now()) },
        )
        await compactEtcd(ground.ports.etcd)
        await restart()
      },
    }
  }

  async #endApiServer(how: Ending): Promise<void> {
    const server = this.#apiServer ?? missing('kube-apiserver')
    if (how === 'crash') await server.kill()
    else server.send('SIGTERM')
    await server.exited
  }

  async #startApiServer(): Promise<void> {
    const ground = this.#ground ?? missing('the folder')
    const command = apiServerCommand(this.#programs.apiServer, ground, this.#flags.apiServer)
    const server = this.#run('kube-apiserver', command)
    this.#apiServer = server
    await this.#untilReady('kube-apiserver', server)
  }

  async #startManager(): Promise<void> {
    const program = this.#programs.controllerManager
    if (program === null) return
    const ground = this.#ground ?? missing('the folder')
    const command = controllerManagerCommand(program, ground, this.#flags.controllerManager)
    this.#manager = this.#run('kube-controller-manager', command)
    // What it does first shows that it works: every namespace has the account `default`.
    await this.#until('kube-controller-manager', this.#manager, async () => {
      const path = '/api/v1/namespaces/default/serviceaccounts/default'
      return (await this.#client?.request('GET', path))?.status === 200
    })
  }

  #run(name: string, command: Command): Child {
    const log = openSync(join(this.#folder, `${name}.log`), 'a')
    try {
      const child = startChild(command, { cwd: this.#folder, output: log })
      noteProcess(this.#folder, child.pid)
      return child
    } finally {
      closeSync(log)
    }
  }

  async #untilReady(name: string, server: Child): Promise<void> {
    await this.#until(
      name,
      server,
      async () => (await this.#client?.request('GET', '/readyz'))?.status === 200,
    )
  }

  async #until(name: string, child: Child, isReady: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX
    let exit: string | null = null
    void child.exited.then(
      ({ code, signal }) => (exit = `ended with ${signal ?? code ?? 'nothing'}`),
      (error: unknown) => (exit = `did not start: ${String(error)}`),
    )
    while (!(await isReady().catch(() => false))) {
      if (exit !== null) throw this.#failed(name, exit)
      if (performance.now() > deadline)
        throw this.#failed(name, `is not ready after ${READY_MS_MAX / 1_000} s`)
      await wait(READY_PROBE_APART_MS)
    }
  }

  #failed(name: string, how: string): Error {
    const logs = ['etcd', name].map((each) => `--- ${each}.log\n${this.#tailOf(each)}`).join('\n')
    const sentence = `${name} ${how}\n${logs}`
    return /address already in use|bind: /.test(logs) ? new PortTaken(sentence) : new Error(sentence)
  }

  #tailOf(name: string): string {
    return readFileSync(join(this.#folder, `${name}.log`), 'utf8').slice(-LOG_TAIL_CHARS)
  }
}

function missing(what: string): never {
  throw new Error(`${what} is not there: the control plane was not started`)
}

/** By etcd's HTTP gateway, so that no client of its own is needed. */
async function compactEtcd(port: number): Promise<number> {
  const ask = async (path: string, body: unknown): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`etcd answered ${answer.status} to ${path}`)
    return await answer.json()
  }
  const key = Buffer.from('/').toString('base64')
  const range = (await ask('/v3/kv/range', { key, count_only: true })) as {
    readonly header: { readonly revision: string }
  }
  await ask('/v3/kv/compaction', { revision: range.header.revision, physical: true })
  return Number(range.header.revision)
}
