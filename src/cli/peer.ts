/** `heliograph peer …`: opens home and carries out one action of it. */

import type { PeerAction } from '../config/peer-command.ts'
import type { Settings } from '../config/settings.ts'
import { clusterApi } from '../kube/calls.ts'
import { systemClock } from '../std/clock.ts'
import { unreachable } from '../std/assert.ts'
import { openHome } from './home.ts'
import type { Environment } from './home.ts'
import { addPeer } from './peer/add.ts'
import { checkPeer } from './peer/check.ts'
import { cleanPeer } from './peer/clean.ts'
import { forgetPeer } from './peer/forget.ts'
import type { Home } from './peer/home.ts'
import { listPeers } from './peer/list.ts'
import type { Told } from './peer/told.ts'

export interface PeerOptions {
  readonly settings: Settings
  readonly environment: Environment
  readonly version: string
  readonly signal: AbortSignal
  readonly peer: PeerAction
}

/** Throws a UserError where home cannot be opened. */
export async function peer(options: PeerOptions): Promise<Told> {
  const { settings, environment, version, signal } = options
  const cluster = await openHome({ settings, environment, version, observer: { answered: () => {} } })
  const home: Home = {
    cluster,
    api: clusterApi(cluster),
    settings,
    version,
    clock: systemClock,
    signal,
  }
  try {
    return await act(home, options.peer)
  } finally {
    await cluster.close()
  }
}

async function act(home: Home, action: PeerAction): Promise<Told> {
  switch (action.action) {
    case 'add':
      return await addPeer(home, action)
    case 'list':
      return await listPeers(home)
    case 'check':
      return await checkPeer(home, action.name)
    case 'forget':
      return await forgetPeer(home, action.name)
    case 'clean':
      return await cleanPeer(home, action)
    default:
      return unreachable(action)
  }
}
