/**
 * `heliograph peer add`: looks at everything first, home before the peer, refuses what differs with a sentence each, and only then makes what
 * is missing. Nothing that exists is changed, but the token with `--renew`. Run again, it goes on where it stopped.
 */

import { DIGEST_KEY_SECRET_NAME } from '../../core/eligibility.ts'
import type { PeerAdd } from '../../config/peer-command.ts'
import { createManifest } from '../../kube/manifests.ts'
import { renewedBody } from '../../peers/renewal.ts'
import type { Sensitive } from '../../std/sensitive.ts'
import { homeFlaw, identityAt } from './home.ts'
import type { Home, PeerSecret } from './home.ts'
import { manifestsText } from './manifests-text.ts'
import { secretBody, secretName } from './secret.ts'
import type { PeerEntry } from './secret.ts'
import { openSpoke } from './spoke.ts'
import type { Spoke } from './spoke.ts'
import { flawsOf, sayOf, surveyOf } from './survey.ts'
import type { Survey } from './survey.ts'
import { reasonOf, refused, said } from './told.ts'
import type { Told } from './told.ts'

/** A token that lasts less than what was asked for by more than this is told. */
const LIFETIME_TOLERANCE_MS = 60_000

export async function addPeer(home: Home, peer: PeerAdd): Promise<Told> {
  const homeless = await homeFlaw(home)
  if (homeless !== null) return refused(homeless)
  const spoke = await openSpoke(home, peer)
  if (!spoke.ok) return refused(spoke.failure)
  try {
    const survey = await surveyOf(home, spoke.value, peer)
    if (!survey.ok) return refused(...survey.failure)
    const flaws = flawsOf(survey.value, peer.isDryRun)
    if (flaws.length > 0 && !peer.isDryRun) return refused(...flaws, 'Nothing was written.')
    const told = peer.isDryRun
      ? said(manifestsText(survey.value, peer), flaws.length > 0 ? 1 : 0)
      : await carryOut(home, spoke.value, peer, survey.value)
    // What a dry run refuses that is no manifest stands beside them.
    const refusals = peer.isDryRun ? survey.value.bindings.flaws : []
    const warnings = [...spoke.value.warnings, ...survey.value.bindings.unread, ...(await idleHints(home))]
    return { ...told, complaint: told.complaint + refused(...refusals, ...warnings).complaint }
  } finally {
    await spoke.value.cluster.close()
  }
}

/** A namespace without a controller's key is likely another than it runs in. */
async function idleHints(home: Home): Promise<readonly string[]> {
  const identity = await identityAt(home)
  if (!identity.ok || identity.value !== null) return []
  const { ownNamespace } = home.settings.rules
  return [
    `No controller has run in the namespace ${ownNamespace} of home yet (it has no Secret ${DIGEST_KEY_SECRET_NAME}): the peer waits until one does. If it runs in another, name that with --namespace.`,
  ]
}

async function carryOut(home: Home, spoke: Spoke, peer: PeerAdd, survey: Survey): Promise<Told> {
  const made: string[] = []
  for (const { manifest, standing } of survey.grants) {
    if (standing.kind !== 'absent') continue
    const created = await createManifest(spoke.cluster, manifest, { signal: home.signal })
    if (!created.ok)
      return stopped(made, `${sayOf(manifest)} cannot be made on the peer`, reasonOf(created.failure))
    made.push(`made on the peer: ${sayOf(manifest)}`)
  }
  // Tokens of an account that was deleted are void, whoever bears its name now.
  const isVoid = survey.grants.some(
    ({ manifest, standing }) => manifest.kind === 'ServiceAccount' && standing.kind === 'absent',
  )
  if (survey.secretStanding.kind === 'equal' && !peer.isRenewal && !isVoid) return unchanged(made, peer)
  return await bringToken(home, spoke, peer, { survey, made })
}

function unchanged(made: readonly string[], { name }: PeerAdd): Told {
  return made.length === 0
    ? said([`Peer ${name} is there and as it should be: nothing was changed. A new token: --renew.`])
    : said([...made, `Peer ${name} keeps its Secret and its token.`])
}

async function bringToken(
  home: Home,
  spoke: Spoke,
  peer: PeerAdd,
  { survey, made }: { readonly survey: Survey; readonly made: readonly string[] },
): Promise<Told> {
  const { entry, secret } = survey
  const { accountNamespace, account, tokenLifetimeMs } = peer
  const seconds = Math.floor(tokenLifetimeMs / 1_000)
  const issued = await spoke.api.requestToken(accountNamespace, account, seconds, { signal: home.signal })
  if (!issued.ok)
    return stopped(
      made,
      `No token was given for ServiceAccount ${accountNamespace}/${account}`,
      reasonOf(issued.failure),
    )
  const written = await writeSecret(home, entry, secret, issued.value.token)
  if (written !== null)
    return stopped(
      made,
      `Secret ${entry.namespace}/${secretName(entry.name)} of home cannot be written`,
      written,
    )
  const { expiresAtMs } = issued.value
  const isShort = expiresAtMs < home.clock.wall() + tokenLifetimeMs - LIFETIME_TOLERANCE_MS
  const ends = new Date(expiresAtMs).toISOString().slice(0, 16).replace('T', ' ')
  return said([
    ...made,
    `${secret === null ? 'made' : 'renewed'} at home: Secret ${entry.namespace}/${secretName(entry.name)}`,
    `Peer ${peer.name} is cluster ${entry.identity}.`,
    `Its token ends ${ends} UTC${isShort ? ', sooner than asked for: the peer gives no longer ones' : ''}. A new one before then: the same command with --renew${home.settings.peerTokenRenewal ? ', or the controller by itself' : ''}.`,
    `Next: heliograph peer check ${peer.name} --namespace=${entry.namespace}`,
  ])
}

/** Null: done; else why not. */
async function writeSecret(
  { api, signal }: Home,
  entry: PeerEntry,
  present: PeerSecret | null,
  token: Sensitive<string>,
): Promise<string | null> {
  if (present === null) {
    const created = await api.create('Secret', entry.namespace, secretBody(entry, token), { signal })
    return created.ok ? null : reasonOf(created.failure)
  }
  const body = renewedBody(present.secret, token)
  if (!body.ok) return body.failure
  const { meta } = present.secret
  const patched = await api.patch(meta, body.value, { signal })
  return patched.ok ? null : reasonOf(patched.failure)
}

/** What was made stays: the same command again goes on from there. */
function stopped(made: readonly string[], what: string, why: string): Told {
  return {
    ...said(made, 1),
    complaint: refused(`${what}: ${why}. The same command again goes on from there.`).complaint,
  }
}
