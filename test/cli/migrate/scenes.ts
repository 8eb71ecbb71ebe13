/** Scenes for the tests of the report: YAML in, the report out. */

import assert from 'node:assert/strict'

import { assess } from '../../../src/cli/migrate/assess.ts'
import type { DifferenceCode } from '../../../src/cli/migrate/differences.ts'
import { readDocuments } from '../../../src/cli/migrate/documents.ts'
import { differencesOf } from '../../../src/cli/migrate/report.ts'
import type { Entry, Report } from '../../../src/cli/migrate/report.ts'
import type { Scene } from '../../../src/cli/migrate/scene.ts'
import type { Rules } from '../../../src/core/rules.ts'
import { Sensitive } from '../../../src/std/sensitive.ts'
import { RULES } from '../../core/rules.ts'

type Texts = Readonly<Record<string, string>>

export const REFLECTOR = 'reflector.v1.k8s.emberstack.com/'
export const REPLICATOR = 'replicator.v1.mittwald.de/'
export const KUBED = 'kubed.appscode.com/'
export const SYNC = 'sync.example.com/'
export const OURS = 'heliograph.dev/'

export interface Manifest {
  readonly kind: string
  readonly [field: string]: unknown
}

export function namespace(name: string, labels: Texts = {}, annotations: Texts = {}): Manifest {
  return { kind: 'Namespace', metadata: { name, labels, annotations } }
}

export function namespaces(...names: readonly string[]): readonly Manifest[] {
  return names.map((name) => namespace(name))
}

/** A path is `namespace/name`. */
export function secret(
  path: string,
  annotations: Texts = {},
  more: Readonly<Record<string, unknown>> = {},
): Manifest {
  return manifest('Secret', path, annotations, more)
}

export function configMap(path: string, annotations: Texts = {}): Manifest {
  return manifest('ConfigMap', path, annotations)
}

export function manifest(
  kind: string,
  path: string,
  annotations: Texts,
  { labels = {}, ...more }: Readonly<Record<string, unknown>> = {},
): Manifest {
  const [place, name] = path.split('/')
  return { kind, metadata: { namespace: place, name, annotations, labels }, ...more }
}

/** Keys under a prefix. */
export function under(prefix: string, texts: Texts): Texts {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [prefix + key, value]))
}

export function rulesWith(more: Partial<Rules> = {}): Rules {
  return { ...RULES, ...more }
}

export function sceneOf(manifests: readonly Manifest[], rules: Rules = RULES): Scene {
  const text = JSON.stringify({ kind: 'List', items: manifests })
  const scene = readDocuments(new Sensitive(text), rules)
  assert.ok(scene.ok, scene.ok ? '' : scene.failure)
  return scene.value
}

export function reportOf(manifests: readonly Manifest[], rules: Rules = RULES): Report {
  return assess(sceneOf(manifests, rules), rules)
}

export function entryOf(report: Report, subject: string): Entry {
  const found = report.sections.flatMap(({ entries }) => entries).find((entry) => entry.subject === subject)
  assert.ok(found !== undefined, `no entry for ${subject}`)
  return found
}

export function codesOf(report: Report): readonly DifferenceCode[] {
  return differencesOf(report).map(({ code }) => code)
}
