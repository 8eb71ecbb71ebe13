/** What people do to the simulated cluster: one random action at a time, over few names, so that they get in each other's way. */

import type { Kind } from '../../src/core/names.ts'
import type { Random } from '../../src/std/random.ts'
import { KEY_NAME, OWN_NAMESPACE, P, isMirrorLike, isOrigin } from './lawful.ts'
import { LAST_APPLIED } from './thing.ts'
import type { Map1, Thing } from './thing.ts'
import type { World } from './world.ts'

export const SOURCES = ['src1', 'src2']
export const TARGETS = ['t1', 't2', 't3', 't4']
const NAMES = ['app', 'db']
const KINDS: readonly Kind[] = ['Secret', 'Secret', 'ConfigMap']

/** Values that hold an origin; the model knows them by this list. */
export const BAD_VALUES: readonly (readonly [string, string])[] = [
  ['reflect-to', 't1,a{'],
  ['immutable', 'yes'],
  ['keys', '../x'],
  ['labels', 'not json'],
  ['on-delete', 'keep'],
  ['reflect-as', 'Not-A-Name'],
  ['paused', 'maybe'],
  ['validate', 'everything'],
]
export const MALFORMED_CONSENT = 'src1/{'

/** What people of a cluster know of others. */
export interface Abroad {
  /** Values of `targets`; none: their origins stay at home. */
  readonly targets: readonly string[]
  /** Values of `accept` and `refuse` that name clusters. */
  readonly consents: readonly string[]
  /** They mostly receive. */
  readonly offersRarely: boolean
}

const AT_HOME: Abroad = { targets: [], consents: [], offersRarely: false }

export class Users {
  readonly #world: World
  readonly #random: Random
  readonly #abroad: Abroad

  constructor(world: World, random: Random, abroad: Abroad = AT_HOME) {
    this.#world = world
    this.#random = random
    this.#abroad = abroad
    for (const name of SOURCES) world.createNamespace(name)
    for (const name of TARGETS)
      world.createNamespace(name, { labels: this.#chance(0.5) ? { team: 'a' } : {} })
  }

  /** Something happens. */
  act(): void {
    const actions: readonly (readonly [number, () => void])[] = [
      [14, () => this.#createOrigin()],
      [10, () => this.#editOffer()],
      [14, () => this.#rotate()],
      [4, () => this.#relabel()],
      [7, () => this.#deleteOrigin()],
      [6, () => this.#editMirror()],
      [4, () => this.#deleteMirror()],
      [5, () => this.#stripMarks()],
      [3, () => this.#declareMirror()],
      [6, () => this.#createForeign()],
      [3, () => this.#deleteForeign()],
      [4, () => this.#adopt()],
      [5, () => this.#pull()],
      [7, () => this.#consent()],
      [3, () => this.#labelNamespace()],
      [4, () => this.#turnNamespace()],
      [2, () => this.#refuseCreates()],
      [3, () => this.#finalizer()],
      [1, () => this.#touchDigestKey()],
    ]
    let ticket = this.#random.next() * actions.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, action] of actions) {
      ticket -= weight
      if (ticket < 0) return action()
    }
  }

  /** Undoes what nobody would leave so: finalizers, quotas, a malformed key, namespaces that are missing. */
  tidy(): void {
    const world = this.#world
    world.refusals.clear()
    for (const thing of world.objects.values())
      if (thing.finalizers.length > 0) world.update(thing, () => ({ finalizers: [] }), 'user')
    const key = world.get({ kind: 'Secret', namespace: OWN_NAMESPACE, name: KEY_NAME })
    if (key !== null && key.data['key']?.length !== 44) world.remove(key, null, 'user')
    for (const name of [...SOURCES, ...TARGETS]) world.createNamespace(name)
  }

  #chance(chance: number): boolean {
    return this.#random.next() < chance
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random.next() * items.length)]
  }

  #some(matches: (thing: Thing) => boolean): Thing | undefined {
    return this.#pick(
      [...this.#world.objects.values()].filter(
        (thing) => thing.namespace !== OWN_NAMESPACE && matches(thing),
      ),
    )
  }

  #origin(): Thing | undefined {
    return this.#some(isOrigin)
  }

  #mirror(): Thing | undefined {
    return this.#some((thing) => thing.labels[`${P}mirror`] !== undefined)
  }

  #value(): string {
    return Buffer.from(`v${Math.floor(this.#random.next() * 50)}`).toString('base64')
  }

  #data(): Map1 {
    const data: Record<string, string> = { a: this.#value() }
    if (this.#chance(0.6)) data['b'] = this.#value()
    if (this.#chance(0.2)) data['c'] = this.#value()
    return data
  }

  #offer(): Record<string, string> {
    const offer: Record<string, string> = {}
    const set = (key: string, value: string): void => void (offer[P + key] = value)
    if (this.#chance(0.85))
      set('reflect-to', this.#pick(['t*', 't1,t2', 't*,!t3', '*', 't4', 't1', 'src*,t1', '']) ?? '')
    if (this.#chance(0.2)) set('reflect-to-selector', this.#pick(['team=a', 'team=b', '!team']) ?? '')
    this.#target(set)
    if (this.#chance(0.4)) set('allow-pull', this.#pick(['t*', 't1', '*', 'src*']) ?? '')
    if (this.#chance(0.15)) set('reflect-as', this.#pick(['db', 'shared', '{namespace}-{name}']) ?? '')
    if (this.#chance(0.2)) set('keys', this.#pick(['a', 'a=z', '!a', 'a,b=c', 'nothing', 'a=x,b=x']) ?? '')
    if (this.#chance(0.2)) set('carry', this.#pick(['team*', '*']) ?? '')
    if (this.#chance(0.1)) set('labels', '{"fixed":"yes"}')
    if (this.#chance(0.1)) set('annotations', '{"fixed/note":"yes"}')
    if (this.#chance(0.12)) set('immutable', this.#pick(['true', 'false']) ?? '')
    if (this.#chance(0.2)) set('on-delete', this.#pick(['retain', 'delete']) ?? '')
    if (this.#chance(0.12)) set('validate', this.#pick(['keys=a|b', 'keys=c']) ?? '')
    if (this.#chance(0.06)) set('paused', 'true')
    if (this.#chance(0.1)) set('resync', String(Math.floor(this.#random.next() * 5)))
    if (this.#chance(0.08)) {
      const [key, value] = this.#pick(BAD_VALUES) ?? ['', '']
      set(key, value)
    }
    return offer
  }

  #target(set: (key: string, value: string) => void): void {
    if (this.#abroad.targets.length === 0) return
    if (this.#chance(0.8)) set('targets', this.#pick(this.#abroad.targets) ?? '')
    if (this.#chance(0.7)) set('target-namespaces', this.#pick(['t*', 't1,t2', '*', 'src*,t1', 't4']) ?? '')
    if (this.#chance(0.15)) set('target-namespaces-selector', this.#pick(['team=a', '!team']) ?? '')
  }

  #createOrigin(): void {
    if (this.#abroad.offersRarely && this.#chance(0.9))
      return this.#chance(0.5) ? this.#editMirror() : this.#consent()
    const kind = this.#pick(KINDS) ?? 'Secret'
    const namespace = this.#pick([...SOURCES, ...SOURCES, 't1']) ?? 'src1'
    const offer = this.#offer()
    if (kind === 'Secret' && this.#chance(0.1))
      offer[`${P}type`] = this.#pick(['example.com/x', 'kubernetes.io/tls']) ?? ''
    this.#world.create(
      { kind, namespace },
      {
        name: this.#pick(NAMES) ?? 'app',
        data: this.#data(),
        annotations: { ...offer, 'team-note': 'n' },
        labels: this.#chance(0.5) ? { team: 'a' } : {},
        ...(kind === 'ConfigMap' && this.#chance(0.3) ? { binaryData: { bin: this.#value() } } : {}),
        ...(kind === 'Secret' && this.#chance(0.15)
          ? { type: this.#pick(['example.com/y', 'helm.sh/release.v1x']) ?? '' }
          : {}),
        ...(this.#chance(0.1) ? { finalizers: ['example.com/wait'] } : {}),
      },
      'user',
    )
  }

  #editOffer(): void {
    const origin = this.#origin()
    if (origin === undefined) return
    const kept = Object.fromEntries(Object.entries(origin.annotations).filter(([key]) => !key.startsWith(P)))
    const offer = this.#chance(0.12) ? {} : this.#offer()
    this.#world.update(origin, () => ({ annotations: { ...kept, ...offer } }), 'user')
  }

  #rotate(): void {
    const origin = this.#origin()
    if (origin === undefined || origin.immutable) return
    this.#world.update(origin, () => ({ data: this.#data() }), 'user')
  }

  #relabel(): void {
    const origin = this.#origin()
    if (origin === undefined) return
    const team = this.#pick(['a', 'b', 'c']) ?? 'a'
    this.#world.update(origin, ({ labels }) => ({ labels: { ...labels, team } }), 'user')
  }

  #deleteOrigin(): void {
    const origin = this.#origin()
    if (origin === undefined) return
    this.#world.remove(origin, null, 'user')
    if (!this.#chance(0.4)) return
    const { name, labels, annotations, data, type } = origin
    const isChanged = this.#chance(0.5)
    this.#world.time.after(this.#random.next() * 8_000, () => {
      const content = { data: isChanged ? this.#data() : data, ...(type === null ? {} : { type }) }
      this.#world.create(origin, { name, labels, annotations, ...content }, 'user')
    })
  }

  #editMirror(): void {
    const mirror = this.#mirror()
    if (mirror === undefined) return
    const change = this.#pick<() => Partial<Thing>>([
      () => ({ data: { ...mirror.data, a: this.#value() } }),
      () => ({ data: { ...mirror.data, more: this.#value() } }),
      () => ({ data: {} }),
      () => ({ labels: { ...mirror.labels, team: 'z', 'users-own': 'x' } }),
      () => ({ annotations: { ...mirror.annotations, [`${P}origin-version`]: '1' } }),
    ])
    if (change !== undefined) this.#world.update(mirror, change, this.#chance(0.5) ? 'user' : 'kubectl-edit')
  }

  #deleteMirror(): void {
    const mirror = this.#mirror()
    if (mirror !== undefined) this.#world.remove(mirror, null, 'user')
  }

  #stripMarks(): void {
    const mirror = this.#mirror()
    if (mirror === undefined) return
    const labels: Record<string, string> = { ...mirror.labels }
    const annotations: Record<string, string> = { ...mirror.annotations }
    const strips: readonly (() => void)[] = [
      () => void delete labels[`${P}mirror`],
      () => void delete annotations[`${P}origin`],
      () => void delete annotations[`${P}at`],
      () => void delete annotations[`${P}digest`],
      () => void delete annotations[`${P}origin-uid`],
      () => void (annotations[`${P}origin`] = 'src2/app'),
      () => void (annotations[`${P}digest`] = 'v1.other.x.y'),
      () => void (labels[`${P}mirror`] = '0123456789abcdef'),
    ]
    for (const strip of strips) if (this.#chance(0.2)) strip()
    if (annotations[`${P}origin-cluster`] !== undefined && this.#chance(0.1))
      delete annotations[`${P}origin-cluster`]
    this.#world.update(mirror, () => ({ labels, annotations }), 'user')
  }

  /** The namespace's owner declares the mirror as his own, by either kind of apply. */
  #declareMirror(): void {
    const mirror = this.#mirror()
    if (mirror === undefined || mirror.immutable) return
    if (this.#chance(0.5)) {
      this.#world.apply(mirror, { a: this.#value() }, 'gitops')
      return
    }
    const annotations = { ...mirror.annotations, [LAST_APPLIED]: '{}' }
    this.#world.update(mirror, () => ({ annotations, data: { ...mirror.data, a: this.#value() } }), 'kubectl')
  }

  #createForeign(): void {
    const kind = this.#pick(KINDS) ?? 'Secret'
    const copied = this.#mirror()
    const isCopy = copied !== undefined && copied.kind === kind && this.#chance(0.3)
    this.#world.create(
      { kind, namespace: this.#pick(TARGETS) ?? 't1' },
      {
        name: this.#pick([...NAMES, 'shared', 'src1-app']) ?? 'app',
        data: this.#data(),
        ...(isCopy ? { labels: copied.labels, annotations: copied.annotations, data: copied.data } : {}),
        ...(this.#chance(0.2) ? { annotations: { [`${P}adopt`]: this.#path() } } : {}),
        ...(kind === 'Secret' && this.#chance(0.15) ? { type: 'example.com/y' } : {}),
        ...(this.#chance(0.05) ? { immutable: true } : {}),
      },
      'user',
    )
  }

  #path(): string {
    return `${this.#pick(SOURCES)}/${this.#pick(NAMES)}`
  }

  #foreign(): Thing | undefined {
    return this.#some(
      (thing) => TARGETS.includes(thing.namespace) && !isMirrorLike(thing) && !isOrigin(thing),
    )
  }

  #deleteForeign(): void {
    const foreign = this.#foreign()
    if (foreign !== undefined) this.#world.remove(foreign, null, 'user')
  }

  #adopt(): void {
    const foreign = this.#foreign()
    if (foreign === undefined) return
    const annotations = { ...foreign.annotations, [`${P}adopt`]: this.#path() }
    this.#world.update(foreign, () => ({ annotations }), 'user')
  }

  /** A pull mirror is made, asked of another origin, or given back to itself. */
  #pull(): void {
    const puller = this.#some((thing) => thing.annotations[`${P}reflect-from`] !== undefined)
    const from = this.#chance(0.1) ? 'not a path' : this.#path()
    if (puller !== undefined && this.#chance(0.5)) {
      const { [`${P}reflect-from`]: _, ...without } = puller.annotations
      const annotations = this.#chance(0.3) ? without : { ...without, [`${P}reflect-from`]: from }
      this.#world.update(puller, () => ({ annotations }), 'user')
      return
    }
    const foreign = this.#chance(0.4) ? this.#foreign() : undefined
    if (foreign !== undefined) {
      const annotations = { ...foreign.annotations, [`${P}reflect-from`]: from }
      this.#world.update(foreign, () => ({ annotations }), 'user')
      return
    }
    this.#world.create(
      { kind: this.#pick(KINDS) ?? 'Secret', namespace: this.#pick([...TARGETS, 'src1']) ?? 't1' },
      { name: this.#pick(['mine', ...NAMES]) ?? 'mine', annotations: { [`${P}reflect-from`]: from } },
      'user',
    )
  }

  #consent(): void {
    const namespace = this.#pick(TARGETS) ?? 't1'
    const key = P + (this.#pick(['accept', 'refuse', 'refuse']) ?? 'refuse')
    const bare = [null, null, 'src1/*', 'src2/app', '*', '*/db', MALFORMED_CONSENT, '']
    const value = this.#pick([...bare, ...this.#abroad.consents])
    this.#world.updateNamespace(namespace, ({ annotations }) => {
      const { [key]: _, ...without } = annotations
      return { annotations: value == null ? without : { ...without, [key]: value } }
    })
  }

  #labelNamespace(): void {
    const team = this.#pick(['a', 'b', null])
    this.#world.updateNamespace(this.#pick(TARGETS) ?? 't1', ({ labels }) => {
      const { team: _, ...without } = labels
      return { labels: team == null ? without : { ...without, team } }
    })
  }

  #turnNamespace(): void {
    const name = this.#pick([...TARGETS, ...TARGETS, 'src2']) ?? 't1'
    if (this.#world.namespaces.has(name)) this.#world.deleteNamespace(name, this.#random.next() * 5_000)
    else this.#world.createNamespace(name, { labels: { team: 'a' } })
  }

  #refuseCreates(): void {
    const name = this.#pick(TARGETS) ?? 't1'
    if (this.#world.refusals.has(name)) this.#world.refusals.delete(name)
    else this.#world.refusals.set(name, this.#chance(0.5) ? 'quota' : 'forbidden')
  }

  #finalizer(): void {
    const bound = this.#some((thing) => thing.finalizers.length > 0)
    if (bound !== undefined && this.#chance(0.6)) {
      this.#world.update(bound, () => ({ finalizers: [] }), 'user')
      return
    }
    const mirror = this.#mirror()
    if (mirror !== undefined) this.#world.update(mirror, () => ({ finalizers: ['example.com/wait'] }), 'user')
  }

  #touchDigestKey(): void {
    const key = this.#world.get({ kind: 'Secret', namespace: OWN_NAMESPACE, name: KEY_NAME })
    if (key === null) return
    const bytes = Buffer.from(Uint8Array.from({ length: 32 }, () => Math.floor(this.#random.next() * 256)))
    const value = this.#pick([null, null, 'c2hvcnQ=', bytes.toString('base64')])
    if (value == null) this.#world.remove(key, null, 'user')
    else this.#world.update(key, ({ data }) => ({ data: { ...data, key: value } }), 'user')
  }
}
