/**
 * Which replica works on which peer: a peer belongs to one of few shards, a shard to one of the replicas that live. Both by rendezvous hash,
 * so that everybody who sees the same members answers alike, and a member that comes or goes moves only the shards that it gains or leaves.
 */

/** Each shard that has peers costs its holder one request every few seconds. */
export const SHARDS_MAX = 16

/** The shard of a peer, from 0: the same on every replica and in every version. */
export function shardOf(peer: string): number {
  let best = 0
  for (let shard = 1; shard < SHARDS_MAX; shard += 1)
    if (weightOf(`${peer}/${shard}`) > weightOf(`${peer}/${best}`)) best = shard
  return best
}

/** The member that a shard belongs to; null where there is none. The order of `members` is nothing. */
export function memberOf(shard: number, members: readonly string[]): string | null {
  let best: string | null = null
  let bestWeight = -1
  for (const member of members) {
    const weight = weightOf(`${member}/${shard}`)
    const isBetter = weight > bestWeight || (weight === bestWeight && best !== null && member < best)
    if (!isBetter) continue
    best = member
    bestWeight = weight
  }
  return best
}

/** FNV-1a with the last step of MurmurHash3: texts that differ by one letter weigh differently. No secret, so it need not withstand anybody. */
function weightOf(text: string): number {
  let hash = 0x81_1c_9d_c5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01_00_01_93)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2_b2_ae_35)
  return (hash ^ (hash >>> 16)) >>> 0
}
