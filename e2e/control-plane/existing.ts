/** An existing cluster in place of a control plane of our own: ours to fill, not to break. */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'

import { Client } from '../lib/client.ts'
import { forgetFolder } from './child.ts'
import { readKubeconfig, writeKubeconfig } from './kubeconfig.ts'
import { makeFolder } from './leftovers.ts'
import { Mistake } from './mistake.ts'
import { noControls } from './plane.ts'
import type { ControlPlane } from './plane.ts'

/** The cluster of the current context in `path`. Throws a {@link Mistake} when it does not answer. */
export async function existingCluster(path: string): Promise<ControlPlane> {
  const credentials = await readKubeconfig(path).catch(() => {
    throw new Mistake(
      `HELIOGRAPH_TEST_KUBECONFIG is ${path}, which cannot be read or is not a kubeconfig: mend the path, or unset the variable.`,
    )
  })
  const { server: url, caPem } = credentials
  const client = new Client(credentials)
  const answer = await client.request('GET', '/version').catch(() => null)
  if (answer?.status !== 200) {
    await client.close()
    throw new Mistake(
      `HELIOGRAPH_TEST_KUBECONFIG is ${path}, but its cluster does not answer: start it, or unset the variable.`,
    )
  }
  const folder = await makeFolder()
  const stop = async (): Promise<void> => {
    await client.close()
    await rm(folder, { recursive: true, force: true })
    forgetFolder(folder)
  }
  return {
    url,
    caPem,
    client,
    folder,
    kubeconfig: path,
    authority: null,
    own: noControls(),
    kubeconfigFor: async (name, access) => {
      const file = join(folder, `${name}.kubeconfig`)
      await writeKubeconfig(file, { server: url, caPem, ...access })
      return file
    },
    requireControllers: () => {},
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
