/** The control plane by hand: `build` fills the cache, `up` starts one and keeps it until Ctrl-C. */

import { build, progressOnStderr } from './build.ts'
import { Mistake, runMain } from './mistake.ts'
import { startControlPlane } from './start.ts'
import { untilInterrupted } from './until-interrupted.ts'

void runMain(async () => {
  const [verb = 'up'] = process.argv.slice(2)
  if (verb === 'build') {
    const { controlPlane, clusterTools } = await build(progressOnStderr)
    process.stdout.write(`${controlPlane}\n${clusterTools}\n`)
    return 0
  }
  if (verb !== 'up') throw new Mistake(`There is no ${verb} here: say build or up.`)
  await using plane = await startControlPlane()
  process.stdout.write(`export KUBECONFIG=${plane.kubeconfig}\n(Ctrl-C ends it)\n`)
  await untilInterrupted()
  return 0
})
