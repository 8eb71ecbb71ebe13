/** What the README's first command shows is what happens: the demo runs its main job to the end. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

import { isAlive } from '../control-plane/lock.ts'

const DEMO = join(import.meta.dirname, '../demo.ts')

/** Each must be said, and after the one before it. */
const STORY = [
  'the API server answers at https://127.0.0.1:',
  'the controller runs as that account',
  'reflect-to: "team-*"',
  'mirror team-blue/database appears  password: spring',
  'edits the mirror in team-green',
  'mirror team-green/database is now  password: tampered',
  'mirror team-green/database is now  password: spring',
  'rotates the password',
  'mirror team-blue/database is now  password: summer',
  'a new namespace comes:  team-red',
  'mirror team-red/database appears  password: summer',
  'the owner narrows the offer',
  'mirror team-green/database is gone',
  'that was the show',
  'the controller has ended',
]

test('npm run demo tells the whole story and leaves nothing running', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [DEMO, '--once'])
  let rest = stdout
  for (const sentence of STORY) {
    const at = rest.indexOf(sentence)
    assert.notEqual(at, -1, `not said in its place: ${sentence}\n${stdout}`)
    rest = rest.slice(at + sentence.length)
  }
  const [, controller] = /\(process (\d+)\)/.exec(stdout) ?? []
  const [, url = ''] = /answers at (\S+)/.exec(stdout) ?? []
  assert.equal(isAlive(Number(controller)), false)
  await assert.rejects(fetch(url), (error: Error) => String(error.cause).includes('ECONNREFUSED'))
})
