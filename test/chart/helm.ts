/** Renders the chart as its users do, by helm itself, into parsed manifests. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'

import { parseAllDocuments } from 'yaml'

import { helmCommand } from '../../e2e/control-plane/tools.ts'

export const CHART = join(import.meta.dirname, '../../charts/heliograph')

/** A manifest, read loosely: a test names the fields that it asks for. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

export interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface Release {
  readonly name?: string
  readonly namespace?: string
}

/** The chart's manifests under these values. Throws what helm said where it refuses. */
export async function render(values: object = {}, release: Release = {}): Promise<readonly Manifest[]> {
  const run = await template(values, release)
  if (run.code !== 0) throw new Error(run.stderr)
  return parseAllDocuments(run.stdout).flatMap((document) => {
    const manifest = document.toJS() as Manifest | null
    return manifest === null ? [] : [manifest]
  })
}

/** The sentences with which helm refuses these values; fails if it takes them. */
export async function refusal(values: object): Promise<string> {
  const run = await template(values, {})
  if (run.code === 0) throw new Error('helm took values that it should refuse')
  return run.stderr
}

/** The one manifest of this kind. */
export function only(manifests: readonly Manifest[], kind: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind)
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`${found.length} manifests of kind ${kind}`)
  return first
}

function template(values: object, { name = 'heliograph', namespace = 'kube-system' }: Release): Promise<Run> {
  return helm(['template', name, CHART, '--namespace', namespace, '--values', '-'], JSON.stringify(values))
}

export async function helm(args: readonly string[], stdin = ''): Promise<Run> {
  const [program = 'helm', ...before] = await helmCommand()
  return new Promise((resolve) => {
    const child = execFile(program, [...before, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
    child.stdin?.end(stdin)
  })
}
