/** `npm run docs`: writes the generated pages under docs/, and the generated part of docs/migrating.md. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { withBehaviours } from './behaviours/page.ts'
import { PAGES } from './pages.ts'

const ROOT = join(import.meta.dirname, '../..')

for (const [path, make] of Object.entries(PAGES)) write(path, make())
write('docs/migrating.md', withBehaviours(readFileSync(join(ROOT, 'docs/migrating.md'), 'utf8')))

function write(path: string, text: string): void {
  writeFileSync(join(ROOT, path), text)
  process.stdout.write(`${path}\n`)
}
