/**
 * A stand-in for the base image, under its upstream name: the Node of the lock file, npm, a shell, and the libraries they link.
 * So the Dockerfile is built as it stands where no image registry can be reached.
 */

import { cp, mkdir, readFile, readlink, realpath, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { Mistake } from '../control-plane/mistake.ts'
import { run } from './tools.ts'
import type { Images } from './tools.ts'

const ROOT = join(import.meta.dirname, '../..')
const PROGRAMS = ['/bin/sh', '/usr/bin/env', '/bin/ls', '/bin/cat']
/** Linked by the bundler's native part, not by Node itself. */
const FURTHER_LIBRARIES = [
  'libgcc_s.so.1',
  'libstdc++.so.6',
  'libm.so.6',
  'libdl.so.2',
  'libpthread.so.0',
  'librt.so.1',
]
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

/** The name of the image that the Dockerfile builds on. */
export async function baseName(): Promise<string> {
  const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8')
  const name = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile)?.[1]
  if (name === undefined) throw new Error('The Dockerfile names no NODE_IMAGE.')
  return name
}

/** Commits the stand-in under the upstream name of the base image. */
export async function commitBase(images: Images): Promise<void> {
  const tree = join(images.folder, 'base')
  await layOut(tree)
  const container = await images.buildah('from', 'scratch')
  await images.buildah('copy', container, tree, '/')
  const environment = ['PATH=/usr/local/bin:/usr/bin:/bin', ...(await registrySettings())]
  await images.buildah('config', ...environment.flatMap((each) => ['--env', each]), container)
  await images.buildah('commit', '--quiet', container, `docker.io/library/${await baseName()}`)
  await images.buildah('rm', container)
}

async function layOut(tree: string): Promise<void> {
  for (const folder of [
    'etc',
    'tmp',
    'root',
    'usr/local/bin',
    'usr/bin',
    'usr/lib',
    'usr/lib64',
    'proc',
    'sys',
    'dev',
  ])
    await mkdir(join(tree, folder), { recursive: true })
  for (const [link, to] of [
    ['bin', 'usr/bin'],
    ['lib', 'usr/lib'],
    ['lib64', 'usr/lib64'],
  ] as const)
    await symlink(to, join(tree, link))
  const node = await realpath(join(ROOT, 'node_modules/.bin/node'))
  await cp(node, join(tree, 'usr/local/bin/node'))
  for (const program of PROGRAMS) await cp(await realpath(program), join(tree, program))
  for (const library of await libraries([node, ...PROGRAMS])) await copyInto(tree, library)
  await copyNpm(tree)
  await copyInto(tree, CERTIFICATES)
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\n')
}

async function copyInto(tree: string, path: string): Promise<void> {
  await mkdir(dirname(join(tree, path)), { recursive: true })
  await cp(await realpath(path), join(tree, path))
}

async function libraries(programs: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const program of programs) {
    const { stdout } = await run('ldd', [program])
    for (const [, path] of stdout.matchAll(/(\/\S+) \(0x/g)) if (path !== undefined) found.add(path)
  }
  const { stdout } = await run('ldconfig', ['-p'])
  for (const [, name, path] of stdout.matchAll(/^\s+(\S+) .*x86-64.* => (\S+)$/gm))
    if (name !== undefined && path !== undefined && FURTHER_LIBRARIES.includes(name)) found.add(path)
  return found
}

async function copyNpm(tree: string): Promise<void> {
  const { stdout } = await run('npm', ['root', '--global'])
  const npm = join(stdout.trim(), 'npm')
  await cp(npm, join(tree, 'usr/local/lib/node_modules/npm'), { recursive: true }).catch(() => {
    throw new Mistake(`npm itself was not found at ${npm}: the stand-in for the base image needs it.`)
  })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(tree, 'usr/local/bin/npm'))
  await readlink(join(tree, 'usr/local/bin/npm'))
}

/** Where this machine fetches packages from, so that `npm ci` inside the build does the same. */
async function registrySettings(): Promise<readonly string[]> {
  const { stdout } = await run('npm', ['config', 'get', 'registry'])
  const authorities =
    process.env['NODE_EXTRA_CA_CERTS'] === undefined ? [] : [`NODE_EXTRA_CA_CERTS=${CERTIFICATES}`]
  return [`npm_config_registry=${stdout.trim()}`, ...authorities]
}
