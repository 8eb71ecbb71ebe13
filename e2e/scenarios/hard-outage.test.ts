/** An API server that restarts, crashes, freezes, or is not there yet: no change is lost, nothing is written in vain, and the pod is not restarted for it. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'

import { eventually } from '../lib/await.ts'
import { startProxy } from '../lib/proxy.ts'
import { openSolo } from '../lib/solo.ts'
import { passesUnharmed, restartsOf } from '../lib/upheaval.ts'

const solo = await openSolo()
const { client, stage } = solo
const { own } = stage.plane
const proxy = await startProxy(stage.plane)
after(() => proxy.close())
await solo.start({ through: proxy })

test('a graceful restart of the API server loses nothing that happened before its watches could tell', async () => {
  await passesUnharmed(solo, 'graceful', async (change) => {
    proxy.muteStreams()
    await change()
    proxy.cutAll()
    await own.restartApiServer({ how: 'graceful' })
    proxy.resumeStreams()
  })
})

test('a crash of the API server loses nothing; while it is away livez and readyz hold', async () => {
  await passesUnharmed(solo, 'crash', async (change) => {
    const watches = proxy.hold({ path: /watch=true/ })
    const { start } = await own.stopApiServer('crash')
    await watches.reached(3)
    assert.equal(await solo.controller.probe('/livez'), 200)
    assert.equal(await solo.controller.probe('/readyz'), 200)
    await start()
    await change()
    watches.release()
    watches.remove()
  })
})

test('a frozen API server is found out by its silence; livez and readyz hold, and nothing is lost once it thaws', async () => {
  // Without the proxy, which would answer in its place that the connection is well.
  await solo.restart()
  await passesUnharmed(solo, 'frozen', async (change) => {
    await change()
    own.freezeApiServer()
    try {
      await eventually(async () => ((await restartsOf(solo, 'cut')) >= 3 ? true : null), {
        what: 'the watches of the frozen server are given up',
      })
      await eventually(
        async () => ((await solo.controller.metrics()).sum('heliograph_leader') === 0 ? true : null),
        { what: 'the lead is over' },
      )
      assert.equal(await solo.controller.probe('/livez'), 200)
      assert.equal(await solo.controller.probe('/readyz'), 200)
    } finally {
      own.thawApiServer()
    }
  })
})

test('a start while the API server is away is live and not ready, and becomes ready when it is there', async () => {
  const token = await client.tokenFor(stage.installation.namespace, stage.installation.serviceAccount)
  await passesUnharmed(solo, 'start', async (change) => {
    await solo.stop()
    await change()
    const { start } = await own.stopApiServer('crash')
    const controller = await stage.launch({ token })
    await eventually(async () => ((await controller.probe('/livez')) === 200 ? true : null), {
      what: 'it is live',
    })
    assert.equal(await controller.probe('/readyz'), 503)
    await start()
    await controller.ready()
    assert.equal(await controller.probe('/livez'), 200)
    await controller.stop()
    await solo.start()
  })
})
