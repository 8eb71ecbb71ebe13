/** `npm run docs`: writes the generated pages under docs/. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { PAGES } from './pages.ts'

const ROOT = join(import.meta.dirname, '../..')

for (const [path, make] of Object.entries(PAGES)) {
  writeFileSync(join(ROOT, path), make())
  process.stdout.write(`${path}\n`)
}
