/** `heliograph peer list`: every peer as its Secret has it. Nothing is asked of the peers. */

import { annotation } from '../../core/annotations.ts'
import { credentialExpiry } from '../../peers/expiry.ts'
import { peersAt } from './home.ts'
import type { Home, PeerSecret } from './home.ts'
import { refused, said, tableOf } from './told.ts'
import type { Told } from './told.ts'

const HEAD = ['NAME', 'STATE', 'SERVER', 'IDENTITY', 'EXPIRES', 'NAMESPACES', 'ORIGINS', 'SECRET']
const DAY_MS = 86_400_000
/** Characters of one cell that somebody wrote freely. */
const CELL_LENGTH_MAX = 40

export async function listPeers(home: Home): Promise<Told> {
  const peers = await peersAt(home)
  if (!peers.ok) return refused(peers.failure)
  const { ownNamespace } = home.settings.rules
  if (peers.value.length === 0)
    return said([
      `There is no peer in the namespace ${ownNamespace}. If the controller’s own is another, name it with --namespace.`,
      'Make one: heliograph peer add NAME',
    ])
  const rows = peers.value.map((peer) => rowOf(peer, { home, isTaken: isTaken(peer, peers.value) }))
  const flaws = peers.value.flatMap(({ name, flaw }) =>
    flaw === null ? [] : [`${name} is refused: ${flaw}`],
  )
  return said([...tableOf([HEAD, ...rows]), ...(flaws.length === 0 ? [] : ['', ...flaws])])
}

/** An older Secret has the name; the list begins with the oldest. */
function isTaken(peer: PeerSecret, peers: readonly PeerSecret[]): boolean {
  return peers.find(({ name }) => name === peer.name) !== peer
}

function rowOf(
  peer: PeerSecret,
  { home, isTaken: taken }: { readonly home: Home; readonly isTaken: boolean },
): readonly string[] {
  const { prefix } = home.settings.rules
  const { annotations, name } = peer.secret.meta
  const nowMs = home.clock.wall()
  const endsAtMs = peer.access === null ? null : credentialExpiry(peer.access)
  return [
    peer.name,
    stateOf(peer, taken, endsAtMs !== null && endsAtMs <= nowMs),
    peer.access?.server ?? '-',
    cell(annotations[annotation(prefix, 'peer-identity')] ?? 'asked of it'),
    endsAtMs === null ? 'never told' : expiryText(endsAtMs, nowMs),
    cell(peer.terms?.namespaces?.join(',') ?? 'all'),
    cell(annotations[annotation(prefix, 'peer-origins')] ?? 'own names'),
    name,
  ]
}

function stateOf(peer: PeerSecret, taken: boolean, isExpired: boolean): string {
  if (peer.isOut) return 'out of service'
  if (peer.flaw !== null) return 'refused'
  if (taken) return 'name taken'
  return isExpired ? 'expired' : 'in service'
}

/** `2026-03-01 (89d)`. */
export function expiryText(endsAtMs: number, nowMs: number): string {
  const date = new Date(endsAtMs).toISOString().slice(0, 10)
  const leftMs = endsAtMs - nowMs
  if (leftMs <= 0) return `${date} (over)`
  return leftMs < DAY_MS
    ? `${date} (${Math.ceil(leftMs / 3_600_000)}h)`
    : `${date} (${Math.floor(leftMs / DAY_MS)}d)`
}

/** On one line of a terminal, whatever was written there. */
function cell(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, '?')
  return plain.length > CELL_LENGTH_MAX ? `${plain.slice(0, CELL_LENGTH_MAX - 1)}…` : plain
}
