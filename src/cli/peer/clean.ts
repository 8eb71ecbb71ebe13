/**
 * `heliograph peer clean NAME`: deletes on a peer exactly the mirrors that this home made there. The peer is taken out of service first, or a running
 * controller would put them back. What was taken over from its owner stays, without our marks. Every request proves what it deletes.
 */

import { annotation } from '../../core/annotations.ts'
import type { Failure } from '../../core/failure.ts'
import { pathOf } from '../../core/names.ts'
import { patch, pointer } from '../../core/operations.ts'
import { retainBody } from '../../core/requests.ts'
import type { ClusterApi } from '../../kube/api.ts'
import { OUT_OF_SERVICE } from '../../peers/terms.ts'
import { failed, ok } from '../../std/result.ts'
import type { Result } from '../../std/result.ts'
import { openPeer } from './connect.ts'
import type { OpenPeer } from './connect.ts'
import { identityAt, peerAt } from './home.ts'
import type { Home, PeerSecret } from './home.ts'
import { mirrorsOn } from './mirrors.ts'
import type { MirrorSearch, PeerMirror } from './mirrors.ts'
import { counted, reasonOf, refused, said } from './told.ts'
import type { Told } from './told.ts'

/** A controller that sees the Secret change lets go of the peer well within this; so do its requests in flight. */
const SETTLE_MS = 2_000
/** Looks after the first: what was under way when the peer was taken out of service may still arrive. */
const ROUNDS_MAX = 5
const AT_ONCE = 8
const NAMED_MAX = 20

export async function cleanPeer(
  home: Home,
  { name, isConfirmed }: { readonly name: string; readonly isConfirmed: boolean },
): Promise<Told> {
  const peer = await peerAt(home, name)
  if (!peer.ok) return refused(peer.failure)
  const { access, terms, flaw } = peer.value
  if (access === null || terms === null)
    return refused(`The Secret of peer ${name} is refused (${flaw ?? 'it cannot be read'}): mend it first.`)
  const identity = await identityAt(home)
  if (!identity.ok) return refused(identity.failure)
  if (identity.value === null)
    return said([`No controller has run here yet: peer ${name} has no mirror of this home.`])
  const opened = await openPeer(home, access)
  if (!opened.ok)
    return refused(`Peer ${name} cannot be reached: ${opened.failure}. ${untouched(peer.value)}`)
  const { cluster } = opened.value
  const search = {
    cluster,
    namespaces: terms.namespaces,
    rules: home.settings.rules,
    identity: identity.value,
  }
  try {
    const found = await mirrorsOn(search, home.signal)
    if (!found.ok)
      return refused(
        `The mirrors on peer ${name} cannot be listed: ${reasonOf(found.failure)}. ${untouched(peer.value)}`,
      )
    if (!isConfirmed) return said(planLines(name, found.value))
    const out = await takeOut(home, peer.value)
    if (!out.ok) return refused(`Peer ${name} cannot be taken out of service: ${reasonOf(out.failure)}.`)
    return tell(name, await cleaned(home, opened.value, search))
  } finally {
    await cluster.close()
  }
}

/** What stands where nothing was done, and what can be. */
function untouched({ name, isOut }: PeerSecret): string {
  const state = isOut ? 'It is out of service since an earlier run' : 'It was not taken out of service'
  return `${state}, and nothing was written. heliograph peer check ${name} says what is wrong; without its mirrors’ deletion: heliograph peer forget ${name}.`
}

function planLines(name: string, mirrors: readonly PeerMirror[]): readonly string[] {
  const lines = (end: PeerMirror['end'], words: string): readonly string[] => {
    const these = mirrors.filter((mirror) => mirror.end === end)
    if (these.length === 0) return []
    const named = these.slice(0, NAMED_MAX).map(({ meta }) => `  ${meta.kind} ${pathOf(meta)}`)
    const more = these.length - named.length
    return [
      `${counted(these.length, 'mirror')} ${words}:`,
      ...named,
      ...(more > 0 ? [`  and ${more} more`] : []),
    ]
  }
  if (mirrors.length === 0) return [`Peer ${name} has no mirror of this home. Nothing was written.`]
  return [
    ...lines('remove', 'would be deleted'),
    ...lines('retain', 'would stay without our marks, as their owners’'),
    `Peer ${name} would be taken out of service first. Nothing was written: add --yes to do it.`,
  ]
}

/** By its label: what is no peer is not forwarded to, and no origin either. */
async function takeOut(
  { api, settings, signal }: Home,
  { secret, isOut }: PeerSecret,
): Promise<Result<null, Failure>> {
  if (isOut) return ok(null)
  const { meta } = secret
  const label = pointer('labels', annotation(settings.rules.prefix, 'peer'))
  const body = patch(
    [
      { op: 'test', path: '/metadata/uid', value: meta.uid },
      { op: 'test', path: label, value: 'true' },
      { op: 'add', path: label, value: OUT_OF_SERVICE },
    ],
    [],
  )
  const patched = await api.patch(meta, body, { signal })
  return patched.ok ? ok(null) : failed(patched.failure)
}

interface Outcome {
  readonly removed: number
  readonly retained: number
  /** The first failure of the last round; null: nothing is left. */
  readonly left: { readonly count: number; readonly why: string } | null
}

/** Until a look finds nothing more, at least {@link SETTLE_MS} after the peer was taken out of service. */
async function cleaned(home: Home, { api }: OpenPeer, search: MirrorSearch): Promise<Outcome> {
  const done = { removed: 0, retained: 0 }
  let left: Outcome['left'] = null
  for (let round = 0; round < ROUNDS_MAX && !home.signal.aborted; round += 1) {
    await home.clock.sleep(SETTLE_MS, home.signal)
    const found = await mirrorsOn(search, home.signal)
    if (!found.ok) return { ...done, left: { count: 0, why: reasonOf(found.failure) } }
    if (found.value.length === 0) return { ...done, left: null }
    const failures = await endAll(found.value, { api, search, signal: home.signal, done })
    const [first] = failures
    left = {
      count: first === undefined ? found.value.length : failures.length,
      why: first === undefined ? 'somebody makes them again' : reasonOf(first),
    }
  }
  return { ...done, left: left ?? { count: 0, why: 'it was interrupted' } }
}

interface Ending {
  readonly api: Pick<ClusterApi, 'remove' | 'patch'>
  readonly search: MirrorSearch
  readonly signal: AbortSignal
  readonly done: { removed: number; retained: number }
}

async function endAll(mirrors: readonly PeerMirror[], ending: Ending): Promise<readonly Failure[]> {
  const failures: Failure[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < mirrors.length && !ending.signal.aborted) {
      const mirror = mirrors[next]
      next += 1
      const failure = mirror === undefined ? null : await endOne(mirror, ending)
      if (failure !== null) failures.push(failure)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return failures
}

/** What changed or went meanwhile is looked at again in the next round. */
async function endOne({ meta, marks, end }: PeerMirror, ending: Ending): Promise<Failure | null> {
  const { api, search, signal, done } = ending
  const { uid, version } = meta
  const answer =
    end === 'remove'
      ? await api.remove(meta, { uid, version }, { signal })
      : await api.patch(meta, retainBody(meta, marks, search.rules), { signal })
  if (!answer.ok) return answer.failure.kind === 'absent' ? null : answer.failure
  if (end === 'remove') done.removed += 1
  else done.retained += 1
  return null
}

function tell(name: string, { removed, retained, left }: Outcome): Told {
  const done = [
    `Peer ${name} is out of service.`,
    `${counted(removed, 'mirror')} deleted there${retained === 0 ? '' : `, ${retained} left to their owners without our marks`}.`,
  ]
  if (left === null)
    return said([...done, `None is left. Next, with the same flags: heliograph peer forget ${name}`])
  const what =
    left.count === 0 ? 'It is not known that none is left' : `${counted(left.count, 'mirror')} may be left`
  const { complaint } = refused(`${what}: ${left.why}. Run the same command again.`)
  return { ...said(done, 1), complaint }
}
