/** Objects with annotations of any vocabulary, written with their whole keys, and what is read from them. */

import assert from 'node:assert/strict'

import { chooses } from '../../../src/core/choice.ts'
import type { NamespaceChoice } from '../../../src/core/choice.ts'
import { readOrigin } from '../../../src/core/dialects/table.ts'
import type { Annotated } from '../../../src/core/eligibility.ts'
import type { ResourceVersion } from '../../../src/core/names.ts'
import type { Flaw, Policy, WrittenCopy } from '../../../src/core/policy.ts'
import type { DialectRules, Rules } from '../../../src/core/rules.ts'
import { RULES } from '../rules.ts'

type Texts = Readonly<Record<string, string>>

/** The annotations of one vocabulary: keys under `prefix`. */
export function under(prefix: string, texts: Texts): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([key, value]) => [prefix + key, value]))
}

/** The Secret `shared/registry` with whole keys. */
export function object(annotations: Texts, more: Partial<Annotated> = {}): Annotated {
  return { kind: 'Secret', namespace: 'shared', name: 'registry', labels: {}, annotations, ...more }
}

/** The defaults, but for what the administrator says of other tools' vocabularies. */
export function rulesWith(dialects: Partial<DialectRules>): Rules {
  return { ...RULES, dialects: { ...RULES.dialects, ...dialects } }
}

export function policyOf(meta: Annotated, rules = RULES): Policy {
  const reading = readOrigin(meta, rules)
  assert.ok(reading.kind === 'policy', JSON.stringify(reading))
  return reading.policy
}

/** The annotations that hold `meta`, whole keys in any order. */
export function heldBy(meta: Annotated, rules = RULES): readonly string[] {
  const reading = readOrigin(meta, rules)
  assert.ok(reading.kind === 'held', reading.kind)
  return reading.flaws.map(({ annotation }) => annotation).toSorted()
}

/** What is told and holds nothing. */
export function remarksOn(meta: Annotated, rules = RULES): readonly Flaw[] {
  const reading = readOrigin(meta, rules)
  assert.ok(reading.kind !== 'none')
  return reading.remarks
}

/** Of these namespaces without labels, which `choice` chooses; null: it is not given. */
export function chosen(
  choice: NamespaceChoice | null,
  ...names: readonly string[]
): readonly string[] | null {
  return choice === null ? null : names.filter((name) => chooses(choice, { name, labels: {} }))
}

/** A copy of `shared/registry`, version 4711, made on 2026-08-04 at 21:27:29.123 UTC. */
export function copy(more: Partial<WrittenCopy> = {}): WrittenCopy {
  return {
    origin: {
      kind: 'Secret',
      namespace: 'shared',
      name: 'registry',
      uid: '0b4f5a3e-0000-4000-8000-000000000000',
      version: '4711' as ResourceVersion,
    },
    form: 'push',
    keys: ['a', 'b'],
    writtenAt: '2026-08-04T21:27:29.123Z',
    ...more,
  }
}
