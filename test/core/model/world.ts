/** Worlds to try the plan in: generated namespaces, origins, objects in the way and a history of changes, each written as its owners would write it. */

import fc from 'fast-check'

import { pathOf as objectPath, refOf } from '../../../src/core/names.ts'
import type { ObjectKey } from '../../../src/core/names.ts'
import { globs } from '../rules.ts'
import { LAST_APPLIED, manifestOf } from './cluster.ts'
import type { Manifest } from './cluster.ts'
import { Judge } from './judge.ts'
import { Lawbook, P, REFUSED_TYPE, SPEC } from './lawbook.ts'
import type { Laws, NamespaceSpec, OriginSpec } from './lawbook.ts'
import { Rig, at } from './rig.ts'
import { labelFor } from './stage.ts'

export const NAMESPACES = ['shared', 'other', 'team-a', 'team-b', 'kube-x'] as const
const ORIGINS = [at('shared/one'), at('other/one'), at('shared/two'), at('shared/one', 'ConfigMap')] as const
const PLACES = [
  ...ORIGINS,
  at('team-a/one'),
  at('team-b/one'),
  at('team-a/two'),
  at('team-a/one', 'ConfigMap'),
  at('kube-x/one'),
] as const
const PATHS = ['shared/one', 'other/one', 'shared/two', 'team-a/one', 'team-b/one'] as const
/** Marks and consents that anybody may write on anything. */
const HOSTILE = [
  'origin',
  'at',
  'retained',
  'adopt',
  'reflect-from',
  'adopted',
  'on-delete',
  'digest',
] as const
const STRIPPABLE = ['label', 'origin', 'at', 'digest', 'carried', 'origin-uid', 'origin-version'] as const

export interface WorldSpec {
  readonly laws: Laws
  readonly namespaces: readonly NamespaceSpec[]
  readonly origins: readonly { readonly spec: OriginSpec; readonly data: DataSpec }[]
  readonly objects: readonly { readonly place: number; readonly spec: ObjectSpec }[]
  readonly steps: readonly Step[]
}

export interface DataSpec {
  readonly data: Readonly<Record<string, string>>
  readonly binaryData: Readonly<Record<string, string>>
  readonly type: string
  readonly team: string
}

interface ObjectSpec {
  readonly data: DataSpec
  readonly label: string | null
  readonly marks: Readonly<Record<string, string>>
  readonly immutable: boolean
}

export type Step =
  | { readonly do: 'rotate'; readonly origin: number; readonly data: DataSpec }
  | { readonly do: 'respecify'; readonly origin: number; readonly spec: OriginSpec }
  | { readonly do: 'delete'; readonly place: number; readonly finalizer: boolean }
  | {
      readonly do: 'edit'
      readonly place: number
      readonly data: DataSpec
      readonly how: 'edit' | 'apply' | 'declare'
    }
  | { readonly do: 'strip'; readonly place: number; readonly marks: readonly string[] }
  | { readonly do: 'mark'; readonly place: number; readonly name: string; readonly value: string }
  | { readonly do: 'metadata'; readonly place: number; readonly value: string }
  | { readonly do: 'seal'; readonly place: number }
  | { readonly do: 'copy'; readonly from: number; readonly to: number }
  | { readonly do: 'namespace'; readonly namespace: number; readonly spec: NamespaceSpec }
  | { readonly do: 'restart' }
  | { readonly do: 'sweep' }
  | { readonly do: 'unreadable' | 'brake'; readonly on: boolean }

/** A step, whether it was seen as it happened, and whether the program comes to rest before the next. */
export interface Moment {
  readonly live: boolean
  readonly rest: boolean
}

const word = fc.constantFrom('YQ==', 'Yg==', 'Yw==')
const path = fc.constantFrom(...PATHS)
const small = fc.nat(255)
const dataSpec: fc.Arbitrary<DataSpec> = fc.record({
  data: fc.dictionary(fc.constantFrom('a', 'b', '__proto__'), word, { maxKeys: 3, noNullPrototype: false }),
  binaryData: fc.dictionary(fc.constant('c'), word, { maxKeys: 1, noNullPrototype: false }),
  type: fc.constantFrom('Opaque', 'Opaque', 'Opaque', 'example.dev/kind', REFUSED_TYPE),
  team: fc.constantFrom('red', 'blue'),
})
const originSpec: fc.Arbitrary<OriginSpec> = fc.record({
  to: fc.constantFrom(['*'], ['team-a'], ['team-a', 'team-b', 'other'], ['kube-x', 'team-a'], null),
  except: fc.constantFrom(null, null, 'team-b'),
  env: fc.constantFrom(null, null, 'dev'),
  as: fc.constantFrom(null, null, 'one', 'two'),
  keys: fc.constantFrom('all', 'all', 'all', 'a', 'a=c', '!a', 'zz', 'a=c,b=c'),
  carry: fc.boolean(),
  label: fc.constantFrom(null, 'x'),
  type: fc.constantFrom(null, null, 'example.dev/other'),
  immutable: fc.constantFrom(false, false, true),
  retain: fc.boolean(),
  stop: fc.constantFrom('no', 'no', 'no', 'no', 'paused', 'bad'),
  pull: fc.constantFrom(null, ['team-a'], ['*']),
  needs: fc.constantFrom(null, null, 'b'),
})
const patterns = fc.constantFrom(null, null, ['*'], ['shared/*'], ['other/one'], 'bad' as const)
const namespaceSpec: fc.Arbitrary<NamespaceSpec> = fc.record({
  env: fc.constantFrom('dev', 'dev', 'prod'),
  accept: patterns,
  refuse: fc.constantFrom(null, null, null, ['shared/one'], ['*'], 'bad' as const),
  terminating: fc.constantFrom(false, false, false, false, true),
})
const objectSpec: fc.Arbitrary<ObjectSpec> = fc.record({
  data: dataSpec,
  label: fc.oneof(fc.constant(null), path),
  marks: fc.dictionary(fc.constantFrom(...HOSTILE), path, { maxKeys: 4, noNullPrototype: true }),
  immutable: fc.constantFrom(false, false, true),
})

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('rotate' as const), origin: small, data: dataSpec }),
  fc.record({ do: fc.constant('respecify' as const), origin: small, spec: originSpec }),
  fc.record({
    do: fc.constant('delete' as const),
    place: small,
    finalizer: fc.constantFrom(false, false, true),
  }),
  fc.record({
    do: fc.constant('edit' as const),
    place: small,
    data: dataSpec,
    how: fc.constantFrom('edit', 'apply', 'declare'),
  }),
  fc.record({
    do: fc.constant('strip' as const),
    place: small,
    marks: fc.subarray([...STRIPPABLE], { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    do: fc.constant('mark' as const),
    place: small,
    name: fc.constantFrom(...HOSTILE, 'carried'),
    value: fc.oneof(
      path,
      fc.constantFrom('true', 'retain', 'labels/example.dev/team,labels/example.dev/team'),
    ),
  }),
  fc.record({ do: fc.constant('metadata' as const), place: small, value: fc.constantFrom('red', 'green') }),
  fc.record({ do: fc.constant('seal' as const), place: small }),
  fc.record({ do: fc.constant('copy' as const), from: small, to: small }),
  fc.record({ do: fc.constant('namespace' as const), namespace: small, spec: namespaceSpec }),
  fc.record({ do: fc.constant('restart' as const) }),
  fc.record({ do: fc.constant('sweep' as const) }),
  fc.record({ do: fc.constantFrom('unreadable' as const, 'brake' as const), on: fc.boolean() }),
)

const laws: fc.Arbitrary<Laws> = fc.record({
  trusted: fc.constantFrom([], [], ['other/one'], ['shared/two']),
  consentRequired: fc.constantFrom(false, false, false, true),
  mirrorsMax: fc.constantFrom(100, 100, 1),
})

export const worldSpec: fc.Arbitrary<WorldSpec> = fc.record({
  laws,
  namespaces: fc.array(namespaceSpec, { minLength: NAMESPACES.length, maxLength: NAMESPACES.length }),
  origins: fc.array(fc.record({ spec: originSpec, data: dataSpec }), {
    minLength: 1,
    maxLength: ORIGINS.length,
  }),
  objects: fc.array(fc.record({ place: small, spec: objectSpec }), { maxLength: 3 }),
  steps: fc.array(anyStep, { maxLength: 8 }),
})

export const moment: fc.Arbitrary<Moment> = fc.record({ live: fc.boolean(), rest: fc.boolean() })

/** One world under way: the program's side, the law, and the judge of every act. */
export class World {
  readonly rig: Rig
  readonly law: Lawbook
  readonly judge: Judge

  constructor(spec: WorldSpec) {
    const { trusted, consentRequired, mirrorsMax } = spec.laws
    this.rig = new Rig({
      trustedOrigins: globs(trusted.join(',')),
      consent: consentRequired ? 'required' : 'open',
      mirrorsPerOriginMax: mirrorsMax,
    })
    this.law = new Lawbook(this.rig.cluster, spec.laws)
    this.judge = new Judge(this.rig, this.law)
    this.rig.judge = (act) => this.judge.act(act)
    for (const [index, about] of spec.namespaces.entries()) this.#setNamespace(index, about)
    for (const { place, spec: about } of spec.objects) this.#putObject(PLACES[place % PLACES.length], about)
    for (const [index, { spec: about, data }] of spec.origins.entries()) this.#offer(index, about, data)
  }

  play(steps: readonly Step[], moments: readonly Moment[]): void {
    for (const [index, step] of steps.entries()) {
      const { live, rest } = moments[index % moments.length] ?? { live: true, rest: true }
      this.rig.change(() => this.#do(step), live)
      if (rest) this.rig.settle()
    }
  }

  /** Everything that stood in the way of acting is gone, and nothing moves any more. */
  rest(): void {
    this.rig.isUnreadable = false
    this.rig.brake = 'open'
    this.rig.settle()
    this.judge.rest()
    for (const key of this.rig.places()) this.rig.memory.verify.add(key)
    this.rig.settle()
    this.judge.isSwept = true
    this.judge.rest()
  }

  #do(step: Step): void {
    const { rig } = this
    switch (step.do) {
      case 'rotate':
        return this.#rotate(step.origin, step.data)
      case 'respecify':
        return this.#respecify(step.origin, step.spec)
      case 'delete':
        return rig.cluster.drop(this.#pick(step.place), step.finalizer)
      case 'copy':
        return this.#copy(this.#pick(step.from), step.to)
      case 'namespace':
        return this.#setNamespace(step.namespace % NAMESPACES.length, step.spec)
      case 'restart':
        return rig.restart()
      case 'sweep':
        for (const key of rig.places()) rig.memory.verify.add(key)
        return
      case 'unreadable':
        rig.isUnreadable = step.on
        return
      case 'brake':
        rig.brake = step.on ? 'held' : 'open'
        return
      default:
        return this.#edit(this.#pick(step.place), step)
    }
  }

  /** Any object that is there; a place where nothing is, if none is. */
  #pick(index: number): ObjectKey {
    const keys = [...this.rig.cluster.objects.keys()].sort()
    return keys[index % keys.length] ?? PLACES[0]
  }

  #edit(key: ObjectKey, step: Extract<Step, { do: 'edit' | 'strip' | 'mark' | 'metadata' | 'seal' }>): void {
    const { cluster } = this.rig
    const stored = cluster.get(key)
    if (stored === null || stored.deleting) return
    const now = manifestOf(stored)
    const put = (changed: Manifest, by = 'kubectl-edit|Update'): void =>
      void cluster.put(stored.ref, { ...now, ...changed }, by)
    switch (step.do) {
      case 'edit': {
        if (now.immutable) return
        const { data } = contentOf(step.data, key)
        if (step.how === 'apply') return void cluster.apply(stored.ref, { data })
        const note = step.how === 'declare' ? { [LAST_APPLIED]: JSON.stringify(data) } : {}
        return put({ data, annotations: { ...now.annotations, ...note } })
      }
      case 'strip':
        return put({
          labels: without(now.labels, step.marks.includes('label') ? ['mirror'] : []),
          annotations: without(now.annotations, step.marks),
        })
      case 'mark': {
        // An origin that changes by such a mark is another matter: its owner made it something else.
        if (this.law.origin(key) !== null && step.name === 'on-delete') return
        if (step.name === 'adopted') this.judge.theirs.delete(stored.uid)
        return put({ annotations: { ...now.annotations, [P + step.name]: step.value } })
      }
      case 'metadata':
        return put({
          labels: { ...now.labels, 'example.dev/team': step.value },
          annotations: { ...now.annotations, 'example.dev/theirs': step.value },
        })
      case 'seal':
        return put({ immutable: true })
    }
  }

  #copy(from: ObjectKey, to: number): void {
    const stored = this.rig.cluster.get(from)
    const ref = refOf(PLACES[to % PLACES.length] ?? PLACES[0])
    if (stored === null || stored.ref.kind !== ref.kind) return
    if (this.rig.cluster.get(PLACES[to % PLACES.length] ?? PLACES[0]) !== null) return
    this.rig.cluster.put(ref, manifestOf(stored), 'velero|Update')
  }

  #rotate(index: number, about: DataSpec): void {
    const key = ORIGINS[index % ORIGINS.length] ?? ORIGINS[0]
    const origin = this.law.origin(key)
    if (origin === null) return
    const now = manifestOf(origin.stored)
    const { type: _, ...content } = contentOf(about, key)
    if (now.immutable) return
    this.rig.cluster.put(origin.stored.ref, {
      ...now,
      ...content,
      labels: { ...now.labels, 'example.dev/team': about.team },
      annotations: { ...now.annotations, 'example.dev/note': about.team },
    })
  }

  #respecify(index: number, spec: OriginSpec): void {
    const key = ORIGINS[index % ORIGINS.length] ?? ORIGINS[0]
    const origin = this.law.origin(key)
    const stored = this.rig.cluster.get(key)
    if (stored !== null && origin === null) return
    const fresh: DataSpec = { data: { a: 'YQ==', b: 'Yg==' }, binaryData: {}, type: 'Opaque', team: 'red' }
    if (origin === null) return this.#offer(index % ORIGINS.length, spec, fresh)
    const now = manifestOf(origin.stored)
    const kept = Object.entries(now.annotations).filter(([name]) => !name.startsWith(P) && name !== SPEC)
    this.rig.cluster.put(origin.stored.ref, {
      ...now,
      annotations: { ...Object.fromEntries(kept), ...this.#annotations(spec, key) },
    })
  }

  #offer(index: number, spec: OriginSpec, about: DataSpec): void {
    const key = ORIGINS[index]
    if (key === undefined || this.rig.cluster.get(key) !== null) return
    this.rig.cluster.put(refOf(key), {
      ...contentOf(about, key),
      labels: { 'example.dev/team': about.team },
      annotations: { 'example.dev/note': about.team, ...this.#annotations(spec, key) },
    })
  }

  #annotations(spec: OriginSpec, key: ObjectKey): Readonly<Record<string, string>> {
    const isSecret = key.startsWith('Secret')
    this.law.specs.push(isSecret ? spec : { ...spec, type: null })
    const texts: Record<string, string | null> = {
      'reflect-to':
        spec.to === null ? null : [...spec.to, ...(spec.except === null ? [] : [`!${spec.except}`])].join(),
      'reflect-to-selector': spec.to === null || spec.env === null ? null : `env=${spec.env}`,
      'allow-pull': spec.pull === null ? (spec.to === null ? '' : null) : spec.pull.join(),
      'reflect-as': spec.as,
      keys: spec.keys === 'all' ? null : spec.keys,
      carry: spec.carry ? 'example.dev/team,example.dev/note' : null,
      labels: spec.label === null ? null : JSON.stringify({ 'example.dev/fixed': spec.label }),
      type: isSecret ? spec.type : null,
      immutable: spec.immutable ? 'true' : null,
      'on-delete': spec.retain ? 'retain' : null,
      paused: spec.stop === 'paused' ? 'true' : null,
      resync: null,
      validate: spec.needs === null ? null : `keys=${spec.needs}`,
      ...(spec.stop === 'bad' ? { immutable: 'yes' } : {}),
    }
    const given: Record<string, string> = {}
    for (const [name, value] of Object.entries(texts)) if (value !== null) given[P + name] = value
    return { ...given, [SPEC]: String(this.law.specs.length - 1) }
  }

  #setNamespace(index: number, spec: NamespaceSpec): void {
    const name = NAMESPACES[index] ?? NAMESPACES[0]
    const text = (list: readonly string[] | 'bad'): string =>
      list === 'bad' ? '[' : list.map((pattern) => (pattern === '*' ? '*' : pattern)).join()
    this.law.namespaces.set(name, spec)
    this.rig.cluster.setNamespace(name, {
      labels: { env: spec.env },
      annotations: {
        ...(spec.accept === null ? {} : { [`${P}accept`]: text(spec.accept) }),
        ...(spec.refuse === null ? {} : { [`${P}refuse`]: text(spec.refuse) }),
      },
      terminating: spec.terminating,
    })
  }

  #putObject(key: ObjectKey | undefined, about: ObjectSpec): void {
    if (key === undefined) return
    const ref = refOf(key)
    const marks = Object.fromEntries(
      Object.entries(about.marks).map(([name, value]) => [P + name, name === 'at' ? objectPath(ref) : value]),
    )
    this.rig.cluster.put(ref, {
      ...contentOf(about.data, key),
      immutable: about.immutable,
      labels: about.label === null ? {} : { [`${P}mirror`]: labelFor(about.label, ref.kind) },
      annotations: { 'example.dev/theirs': 'yes', ...marks },
    })
  }
}

/** A Secret has no binaryData, a ConfigMap no type. */
function contentOf(
  about: DataSpec,
  key: ObjectKey,
): Pick<Required<Manifest>, 'data' | 'binaryData' | 'type'> {
  const isSecret = key.startsWith('Secret')
  return {
    data: about.data,
    binaryData: isSecret ? {} : about.binaryData,
    type: isSecret ? about.type : '',
  }
}

function without(texts: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  const gone = new Set(names.map((name) => P + name))
  return Object.fromEntries(Object.entries(texts).filter(([name]) => !gone.has(name)))
}
