/** A reflector against a scripted server on a fake clock: what most tests of this room start from. */

import type { TestContext } from 'node:test'
import type { ObjectMeta } from '../../src/core/objects.ts'
import type { Access } from '../../src/kube/access.ts'
import { connect } from '../../src/kube/connection.ts'
import type { Cluster, RequestObserver } from '../../src/kube/connection.ts'
import { Reflector } from '../../src/kube/reflector.ts'
import type { ReflectorOptions } from '../../src/kube/reflector.ts'
import { SECRETS } from '../../src/kube/resources.ts'
import { FakeClock } from './fake-clock.ts'
import { RecordingSink, RecordingWatcher } from './recording.ts'
import { ScriptedServer, bookmark, event, partial } from './scripted-server.ts'
import type { Asked, WatchAnswer } from './scripted-server.ts'

export const UNOBSERVED: RequestObserver = { answered: () => undefined }

/** An access without credentials. */
export function plainAccess(server: string, more: Partial<Access> = {}): Access {
  return {
    server,
    tlsServerName: null,
    verified: true,
    proxyUrl: null,
    ca: null,
    clientCertificate: null,
    clientKey: null,
    token: { kind: 'none' },
    impersonate: null,
    ...more,
  }
}

export async function open(
  t: TestContext,
  access: Access,
  clock: FakeClock,
  observer = UNOBSERVED,
): Promise<Cluster> {
  const opened = await connect({ access, version: '0.0.0', clock, observer })
  if (!opened.ok) throw new Error(opened.failure.reason)
  t.after(() => opened.value.close())
  return opened.value
}

export interface Rig {
  readonly server: ScriptedServer
  readonly clock: FakeClock
  readonly sink: RecordingSink
  readonly watcher: RecordingWatcher
  readonly ended: Promise<void>
  stop(): void
}

/** With `next: () => 0.5` pauses are 1200, 2400 … ms and a watch lasts 450 s. */
export async function rig(t: TestContext, options: Partial<ReflectorOptions<ObjectMeta>> = {}): Promise<Rig> {
  const server = await ScriptedServer.start(t)
  const clock = new FakeClock()
  const sink = new RecordingSink()
  const watcher = new RecordingWatcher()
  const cluster = await open(t, plainAccess(server.url), clock)
  const stopping = new AbortController()
  const reflector = new Reflector<ObjectMeta>({
    cluster,
    resource: SECRETS,
    namespace: null,
    marks: ['heliograph.dev/'],
    sink,
    watcher,
    clock,
    random: { next: () => 0.5 },
    auditIntervalMs: 1e12,
    ...options,
  })
  const ended = reflector.run(stopping.signal)
  ended.catch(() => undefined)
  t.after(async () => {
    stopping.abort()
    await ended.catch(() => undefined)
  })
  return { server, clock, sink, watcher, ended, stop: () => stopping.abort() }
}

export function isBackoff(ms: number): boolean {
  return ms >= 800 && ms <= 60_000 && ms !== 30_000 && ms !== 10_000 && ms !== 1000
}

/** Waits for the loop to pause, and lets the pause pass. */
export async function passBackoff(clock: FakeClock): Promise<void> {
  await clock.advance(await clock.sleeping(isBackoff))
}

/** Brings a reflector to a live watch by a streaming start that holds `one@5` and ends at version 10. */
export async function startLive({ server, sink }: Rig): Promise<{ asked: Asked; watch: WatchAnswer }> {
  const asked = await server.next()
  const watch = asked.watch()
  watch.lines(event('ADDED', partial('one', 5)), bookmark(10, true))
  await sink.journal.has('end 10 swept 0')
  return { asked, watch }
}
