/**
 * What the cluster must look like once everything is quiet, worked out anew and in another way than the program does:
 * its own small readers of the values that the simulated users write, and one pass over every place.
 */

import { digestKeyId } from '../../src/core/digest.ts'
import type { Kind } from '../../src/core/names.ts'
import { KEY_NAME, OWN_NAMESPACE, P, isOrigin, isOurs, pathOfThing, proofOf } from './lawful.ts'
import { LAST_APPLIED } from './thing.ts'
import type { Map1, NamespaceThing, Thing } from './thing.ts'
import { BAD_VALUES, MALFORMED_CONSENT } from './users.ts'
import { isEqual } from './world.ts'
import type { World } from './world.ts'

export interface ModelRules {
  readonly identity: string
  readonly consent: 'open' | 'required'
  /** Origins of this namespace displace a holder; null: of none. */
  readonly trustedNamespace: string | null
  /** `world` is a peer of another cluster, where the origins are; left out: it is their own. */
  readonly abroad?: Abroad
  /** Identities of other homes that may have mirrors here; theirs are none of this home's business. */
  readonly others?: readonly string[]
}

/** How one home sees one peer. */
export interface Abroad {
  readonly home: World
  /** What `targets` calls the peer. */
  readonly name: string
  /** Patterns over `namespace/name`; null: only into the namespace of its own name. */
  readonly peerOrigins: string | null
}

/** What a mirror must hold. */
interface Wanted {
  readonly type: string | null
  readonly immutable: boolean
  readonly data: Map1
  readonly binaryData: Map1
  readonly labels: Map1
  readonly annotations: Map1
}

interface Origin {
  readonly thing: Thing
  readonly isHeld: boolean
  readonly isDistributed: boolean
  readonly wanted: Wanted
}

type Word = 'granted' | 'declared' | 'refused' | 'frozen'

/** Every way in which the world is not as it must be; empty when all is well. */
export function faultsOf(world: World, rules: ModelRules): readonly string[] {
  return new Model(world, rules).faults()
}

class Model {
  readonly #world: World
  readonly #rules: ModelRules
  readonly #origins: readonly Origin[]

  constructor(world: World, rules: ModelRules) {
    this.#world = world
    this.#rules = rules
    this.#origins = [...(rules.abroad?.home ?? world).objects.values()]
      .filter((thing) => isOrigin(thing) && thing.namespace !== OWN_NAMESPACE)
      .map(readOrigin)
  }

  faults(): readonly string[] {
    const faults: string[] = []
    for (const [kind, namespace, name] of this.#places()) {
      const thing = this.#world.get({ kind, namespace: namespace.name, name })
      const fault =
        thing === null ? this.#emptyFault(kind, namespace, name) : this.#thingFault(thing, namespace)
      if (fault !== null) faults.push(`${kind}/${namespace.name}/${name}: ${fault}`)
    }
    return faults
  }

  *#places(): Iterable<readonly [Kind, NamespaceThing, string]> {
    const seen = new Set<string>()
    for (const namespace of this.#world.namespaces.values()) {
      if (namespace.terminating) continue
      for (const thing of this.#world.objects.values())
        if (thing.namespace === namespace.name) seen.add(`${thing.kind}/${namespace.name}/${thing.name}`)
      for (const origin of this.#origins) {
        const name = this.#claims(origin, namespace)
        if (name !== null) seen.add(`${origin.thing.kind}/${namespace.name}/${name}`)
      }
    }
    for (const place of seen) {
      const [kind = '', at = '', name = ''] = place.split('/')
      const namespace = this.#world.namespaces.get(at)
      if (namespace !== undefined) yield [kind as Kind, namespace, name]
    }
  }

  /** The name that the origin wants here, whether or not the namespace lets it. */
  #claims({ thing, isHeld }: Origin, namespace: NamespaceThing): string | null {
    if (isHeld || !this.#chooses(thing, namespace)) return null
    return (thing.annotations[`${P}reflect-as`] ?? '{name}')
      .replaceAll('{name}', thing.name)
      .replaceAll('{namespace}', thing.namespace)
  }

  #chooses(thing: Thing, namespace: NamespaceThing): boolean {
    const { abroad } = this.#rules
    const keys = abroad === undefined ? 'reflect-to' : 'target-namespaces'
    const to = thing.annotations[P + keys]
    const selector = thing.annotations[`${P}${keys}-selector`]
    const isGiven = to !== undefined || selector !== undefined
    if (abroad === undefined) {
      if (namespace.name === thing.namespace || !isGiven) return false
    } else {
      if (!isListed(thing.annotations[`${P}targets`] ?? '', abroad.name)) return false
      if (!isGiven) return namespace.name === thing.namespace
    }
    if (to !== undefined && !isListed(to, namespace.name)) return false
    return selector === undefined || isSelected(selector, namespace.labels)
  }

  #word(namespace: NamespaceThing, from: { readonly namespace: string; readonly name: string }): Word {
    const { abroad, identity } = this.#rules
    if (abroad === undefined && namespace.name === from.namespace) return 'refused'
    if (namespace.name.startsWith('kube-') || namespace.name === OWN_NAMESPACE) return 'refused'
    const accept = namespace.annotations[`${P}accept`]
    const refuse = namespace.annotations[`${P}refuse`]
    const path = pathOfThing(from)
    if (abroad?.peerOrigins === null && namespace.name !== from.namespace) return 'refused'
    if (abroad?.peerOrigins != null && !isListed(abroad.peerOrigins, path)) return 'refused'
    const isNamed = (list: string, form: 'bare' | 'qualified'): boolean => {
      const items = list.split(',').filter((item) => item.includes(':') === (form === 'qualified'))
      return isListed(items.join(), form === 'bare' ? path : `${identity}:${path}`)
    }
    const isRefused = refuse !== undefined && (isNamed(refuse, 'bare') || isNamed(refuse, 'qualified'))
    if (refuse !== MALFORMED_CONSENT && isRefused) return 'refused'
    if (refuse === MALFORMED_CONSENT || accept === MALFORMED_CONSENT) return 'frozen'
    const isBareMeant = abroad === undefined
    if (accept !== undefined)
      return (isBareMeant && isNamed(accept, 'bare')) || isNamed(accept, 'qualified') ? 'declared' : 'refused'
    return this.#rules.consent === 'required' ? 'refused' : 'granted'
  }

  #claimants(kind: Kind, namespace: NamespaceThing, name: string): readonly Origin[] {
    return this.#origins.filter(
      (origin) => origin.thing.kind === kind && this.#claims(origin, namespace) === name,
    )
  }

  /** The one that would take an empty or foreign place. */
  #winner(kind: Kind, namespace: NamespaceThing, name: string): Origin | null {
    const able = this.#claimants(kind, namespace, name).filter(({ thing }) =>
      isYes(this.#word(namespace, thing)),
    )
    const [best = null] = able.toSorted((a, b) => {
      const trust = Number(this.#isTrusted(b)) - Number(this.#isTrusted(a))
      if (trust !== 0) return trust
      if (a.thing.createdAt !== b.thing.createdAt) return a.thing.createdAt < b.thing.createdAt ? -1 : 1
      return pathOfThing(a.thing) < pathOfThing(b.thing) ? -1 : 1
    })
    return best
  }

  #isTrusted({ thing }: Origin): boolean {
    return thing.namespace === this.#rules.trustedNamespace
  }

  #emptyFault(kind: Kind, namespace: NamespaceThing, name: string): string | null {
    const winner = this.#winner(kind, namespace, name)
    if (winner === null || !winner.isDistributed || !isCreatable(winner.wanted)) return null
    return `${pathOfThing(winner.thing)} claims it, and nothing is there`
  }

  #thingFault(thing: Thing, namespace: NamespaceThing): string | null {
    if (thing.deleting) return 'it is still being deleted'
    if (thing.annotations[`${P}reflect-from`] !== undefined) return this.#pullFault(thing, namespace)
    if (this.#rules.others?.some((other) => isOurs(thing, other)) === true) return null
    if (isOurs(thing, this.#rules.identity)) return this.#mirrorFault(thing, namespace)
    return this.#foreignFault(thing, namespace)
  }

  #mirrorFault(thing: Thing, namespace: NamespaceThing): string | null {
    const path = thing.annotations[`${P}origin`] ?? ''
    const [from = '', name = ''] = path.split('/')
    const word = this.#word(namespace, { namespace: from, name })
    if (word === 'refused') return `a mirror of ${path} stands where it is refused`
    if (word === 'frozen') return null
    const origin = this.#origins.find(
      (one) => one.thing.kind === thing.kind && pathOfThing(one.thing) === path,
    )
    if (origin === undefined) return `a mirror of ${path}, which is no origin`
    if (origin.isHeld) return null
    if (this.#claims(origin, namespace) !== thing.name) return `a mirror of ${path}, which does not claim it`
    const displacer = this.#claimants(thing.kind, namespace, thing.name).find(
      (other) =>
        this.#isTrusted(other) && !this.#isTrusted(origin) && isYes(this.#word(namespace, other.thing)),
    )
    if (displacer !== undefined && displacer.isDistributed && isCreatable(displacer.wanted))
      return `a mirror of ${path}, though the trusted ${pathOfThing(displacer.thing)} claims it`
    if (displacer !== undefined || !origin.isDistributed || !isCreatable(origin.wanted)) return null
    if (isDeclared(thing) && word === 'granted' && thing.annotations[`${P}adopted`] !== 'true')
      return 'its owner declares it as his own, and it was not released'
    return this.#contentFault(thing, origin)
  }

  #contentFault(thing: Thing, { thing: origin, wanted }: Origin): string | null {
    const isAdopted = thing.annotations[`${P}adopted`] === 'true'
    const isUnchangeable = thing.type !== wanted.type || thing.immutable
    if (isAdopted && isUnchangeable) return null
    if (thing.type !== wanted.type) return `type ${thing.type} is not ${wanted.type}`
    if (thing.immutable !== wanted.immutable) return `immutable is ${thing.immutable}`
    if (!isEqual(thing.data, wanted.data)) return 'its data is not what the policy says'
    if (!isEqual(thing.binaryData, wanted.binaryData)) return 'its binaryData is not what the policy says'
    const carriedFault = metadataFault(thing, wanted)
    if (carriedFault !== null) return carriedFault
    if (thing.annotations[`${P}origin-uid`] !== origin.uid) return 'origin-uid is of another origin'
    const isRetaining = origin.annotations[`${P}on-delete`] === 'retain'
    return (thing.annotations[`${P}on-delete`] === 'retain') === isRetaining ? null : 'on-delete is stale'
  }

  #pullFault(thing: Thing, namespace: NamespaceThing): string | null {
    if (this.#rules.abroad !== undefined) return null
    if (namespace.name.startsWith('kube-') || namespace.name === OWN_NAMESPACE) return null
    const from = thing.annotations[`${P}reflect-from`] ?? ''
    const origin = this.#origins.find(
      (one) => one.thing.kind === thing.kind && pathOfThing(one.thing) === from,
    )
    const allowed = origin?.thing.annotations[`${P}allow-pull`]
    if (origin === undefined || origin.isHeld || allowed === undefined || !isListed(allowed, namespace.name))
      return null
    if (!origin.isDistributed || !isCreatable({ ...origin.wanted, type: thing.type }) || thing.immutable)
      return null
    if (!isEqual(thing.data, origin.wanted.data)) return 'its data is not that of the origin it pulls'
    if (!isEqual(thing.binaryData, origin.wanted.binaryData))
      return 'its binaryData is not that of the origin it pulls'
    if (thing.annotations[`${P}pulled-from`] !== from) return 'pulled-from does not name its origin'
    return metadataFault(thing, origin.wanted)
  }

  #foreignFault(thing: Thing, namespace: NamespaceThing): string | null {
    const winner = this.#winner(thing.kind, namespace, thing.name)
    if (winner === null || !winner.isDistributed || !isCreatable(winner.wanted)) return null
    // What is an origin to whoever reads it there is nobody's to take.
    if (isOrigin(thing)) return null
    const path = pathOfThing(winner.thing)
    const isChangeable = thing.type === winner.wanted.type && !thing.immutable
    if (!isChangeable) return null
    if (thing.annotations[`${P}adopt`] === path) return `${path} may adopt it and did not`
    const { identity, abroad, others } = this.#rules
    // Whose it was is not known for certain: no home may claim it.
    if (others !== undefined && thing.annotations[`${P}origin-cluster`] !== (abroad && identity)) return null
    const { label, origin, at } = proofOf(thing, identity)
    const isLabelled = thing.labels[`${P}mirror`] !== undefined
    if (thing.annotations[`${P}retained`] === path && at && !isLabelled && !isDeclared(thing))
      return `${path} may take it back and did not`
    if (isDeclared(thing) || thing.annotations[`${P}origin`] !== path) return null
    const isIntact =
      isEqual(thing.data, winner.wanted.data) &&
      isEqual(thing.binaryData, winner.wanted.binaryData) &&
      this.#isOfPresentKey((thing.annotations[`${P}digest`] ?? '').split('.'))
    const isElsewhere = thing.annotations[`${P}at`] !== undefined && !at
    const left = [label, origin, at].filter(Boolean).length
    return left >= 2 && isIntact && !isElsewhere ? 'two of its marks are left, and it was not restored' : null
  }

  /** A digest under a key that is gone proves nothing. */
  #isOfPresentKey(digest: readonly string[]): boolean {
    const home = this.#rules.abroad?.home ?? this.#world
    const key = home.get({ kind: 'Secret', namespace: OWN_NAMESPACE, name: KEY_NAME })?.data['key'] ?? ''
    return digest.every((part) => part.length > 1) && digest[1] === digestKeyId(Buffer.from(key, 'base64'))
  }
}

function isYes(word: Word): boolean {
  return word === 'granted' || word === 'declared'
}

function isDeclared(thing: Thing): boolean {
  const isApplied = [...thing.owners].some(
    ([owner, paths]) =>
      owner.endsWith(' Apply') &&
      [...paths].some((path) => path.startsWith('data/') || path.startsWith('binaryData/')),
  )
  return thing.annotations[LAST_APPLIED] !== undefined || isApplied
}

function metadataFault(thing: Thing, wanted: Wanted): string | null {
  for (const [key, value] of Object.entries(wanted.labels))
    if (thing.labels[key] !== value) return `label ${key} is wrong`
  for (const [key, value] of Object.entries(wanted.annotations))
    if (thing.annotations[key] !== value) return `annotation ${key} is wrong`
  return null
}

function isCreatable({ type, data }: Wanted): boolean {
  return type !== 'kubernetes.io/tls' || ('tls.crt' in data && 'tls.key' in data)
}

function readOrigin(thing: Thing): Origin {
  const given = (key: string): string | undefined => thing.annotations[P + key]
  const isBad = BAD_VALUES.some(([key, value]) => given(key) === value)
  const keys = [...Object.keys(thing.data), ...Object.keys(thing.binaryData)]
  const names = selected(keys, given('keys'))
  const missing = (given('validate') ?? '')
    .replace('keys=', '')
    .split('|')
    .filter((key) => key !== '' && !keys.includes(key))
  const pick = (from: Map1): Map1 =>
    Object.fromEntries(
      Object.entries(from).flatMap(([key, value]) => {
        const name = names?.get(key)
        return name === undefined ? [] : [[name, value]]
      }),
    )
  return {
    thing,
    isHeld: isBad || given('paused') === 'true' || names === null,
    isDistributed: missing.length === 0,
    wanted: {
      type: thing.kind === 'Secret' ? (given('type') ?? thing.type) : null,
      immutable: given('immutable') === 'true',
      data: pick(thing.data),
      binaryData: pick(thing.binaryData),
      labels: {
        ...carried(thing.labels, given('carry')),
        ...(given('labels') === undefined ? {} : { fixed: 'yes' }),
      },
      annotations: {
        ...carried(thing.annotations, given('carry')),
        ...(given('annotations') === undefined ? {} : { 'fixed/note': 'yes' }),
      },
    },
  }
}

function carried(texts: Map1, carry: string | undefined): Map1 {
  if (carry === undefined) return {}
  return Object.fromEntries(
    Object.entries(texts).filter(
      ([key]) => !key.startsWith(P) && key !== LAST_APPLIED && (carry === '*' || key.startsWith('team')),
    ),
  )
}

/** The five key lists that users write. */
function selected(keys: readonly string[], list: string | undefined): ReadonlyMap<string, string> | null {
  if (list === undefined) return new Map(keys.map((key) => [key, key]))
  const lists: Readonly<Record<string, (key: string) => string | undefined>> = {
    a: (key) => (key === 'a' ? 'a' : undefined),
    'a=z': (key) => (key === 'a' ? 'z' : undefined),
    '!a': (key) => (key === 'a' ? undefined : key),
    'a,b=c': (key) => ({ a: 'a', b: 'c' })[key],
    'a=x,b=x': (key) => (key === 'a' || key === 'b' ? 'x' : undefined),
  }
  const rename = lists[list] ?? (() => undefined)
  const names = new Map<string, string>()
  for (const key of keys) {
    const name = rename(key)
    if (name === undefined) continue
    if ([...names.values()].includes(name)) return null
    names.set(key, name)
  }
  return names.size === 0 ? null : names
}

/** A list of patterns in which only `*` is special. */
function isListed(list: string, text: string): boolean {
  const items = list.split(',').filter((item) => item !== '')
  const matches = (pattern: string): boolean => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text)
  return (
    items.some((item) => !item.startsWith('!') && matches(item)) &&
    !items.some((item) => item.startsWith('!') && matches(item.slice(1)))
  )
}

function isSelected(selector: string, labels: Map1): boolean {
  if (selector === '!team') return labels['team'] === undefined
  return labels['team'] === selector.slice('team='.length)
}
