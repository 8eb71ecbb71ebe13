/**
 * What must hold of a world of origins, namespaces and objects, written from the contract and not from the plan: a second implementation.
 * It looks at abstract specifications and at what really stands in the cluster; marks it recomputes by itself, content it compares with what was really written.
 */

import { createHash } from 'node:crypto'

import { keyOf, refOf } from '../../../src/core/names.ts'
import type { ObjectKey } from '../../../src/core/names.ts'
import { LAST_APPLIED, manifestOf } from './cluster.ts'
import type { Cluster, Manifest, Stored } from './cluster.ts'
import { IDENTITY } from './rig.ts'

export const P = 'heliograph.dev/'
export const SPEC = 'example.dev/spec'
export const REFUSED_TYPE = 'bootstrap.kubernetes.io/token'

/** What an owner means by the annotations of an origin. */
export interface OriginSpec {
  /** Namespaces, or `*`. Null: pull only. */
  readonly to: readonly string[] | null
  readonly except: string | null
  readonly env: string | null
  readonly as: string | null
  readonly keys: 'all' | 'a' | 'a=c' | '!a' | 'zz' | 'a=c,b=c'
  readonly carry: boolean
  readonly label: string | null
  readonly type: string | null
  readonly immutable: boolean
  readonly retain: boolean
  readonly stop: 'no' | 'paused' | 'bad'
  readonly pull: readonly string[] | null
  /** A key that must be there for a version to be distributed. */
  readonly needs: string | null
}

export interface NamespaceSpec {
  readonly env: string
  /** `path` patterns; `bad` does not parse. */
  readonly accept: readonly string[] | 'bad' | null
  readonly refuse: readonly string[] | 'bad' | null
  readonly terminating: boolean
}

export interface Laws {
  readonly trusted: readonly string[]
  readonly consentRequired: boolean
  readonly mirrorsMax: number
}

export interface Origin {
  readonly key: ObjectKey
  readonly path: string
  readonly stored: Stored
  readonly spec: OriginSpec
}

type Texts = Readonly<Record<string, string>>

/** What a mirror holds, as far as we set it. */
export interface Wanted {
  readonly data: Texts
  readonly binaryData: Texts
  readonly type: string
  readonly immutable: boolean
  readonly labels: Texts
  readonly annotations: Texts
}

export type Consent = 'declared' | 'granted' | 'refused' | 'frozen'

export class Lawbook {
  readonly specs: OriginSpec[] = []
  readonly namespaces = new Map<string, NamespaceSpec>()
  readonly laws: Laws
  readonly #cluster: Cluster

  constructor(cluster: Cluster, laws: Laws) {
    this.#cluster = cluster
    this.laws = laws
  }

  /** The origin that stands at `key`; null if none does: an object without offers, and any form of mirror. */
  origin(key: ObjectKey): Origin | null {
    const stored = this.#cluster.get(key)
    if (stored === null) return null
    const { annotations } = manifestOf(stored)
    const spec = this.specs[Number(annotations[SPEC] ?? '-1')]
    const offers = annotations[`${P}reflect-to`] ?? annotations[`${P}allow-pull`]
    if (spec === undefined || offers === undefined || isMirrorLike(stored)) return null
    return { key, path: pathOf(key), stored, spec }
  }

  origins(): readonly Origin[] {
    return [...this.#cluster.objects.keys()].flatMap((key) => this.origin(key) ?? [])
  }

  /** Frozen by what is written on it now: a bad value, `paused`, a selection that leaves nothing, a type that is never mirrored. */
  isHeld(origin: Origin): boolean {
    return origin.spec.stop !== 'no' || this.isEmpty(origin)
  }

  isEmpty({ stored, spec }: Origin): boolean {
    return manifestOf(stored).type === REFUSED_TYPE || selected(manifestOf(stored), spec) === null
  }

  /** Whether the origin's present version may be written anywhere. */
  isDeliverable(origin: Origin): boolean {
    const { needs } = origin.spec
    const { data, binaryData } = manifestOf(origin.stored)
    return !this.isHeld(origin) && (needs === null || needs in data || needs in binaryData)
  }

  /** Whether the policy chooses this place, whatever its namespace says. */
  claims({ stored, spec }: Origin, place: ObjectKey): boolean {
    const { kind, namespace, name } = refOf(place)
    const about = this.namespaces.get(namespace)
    if (about === undefined || spec.to === null || spec.stop !== 'no') return false
    if (kind !== stored.ref.kind || name !== (spec.as ?? stored.ref.name)) return false
    if (namespace === stored.ref.namespace || namespace === spec.except) return false
    return (spec.to.includes('*') || spec.to.includes(namespace)) && (spec.env ?? about.env) === about.env
  }

  consent(namespace: string, path: string): Consent {
    const about = this.namespaces.get(namespace)
    const [home] = path.split('/')
    if (about === undefined || namespace === home || namespace.startsWith('kube-')) return 'refused'
    const { accept, refuse } = about
    if (refuse !== null && refuse !== 'bad' && covers(refuse, path)) return 'refused'
    if (refuse === 'bad' || accept === 'bad') return 'frozen'
    if (accept !== null) return covers(accept, path) ? 'declared' : 'refused'
    return this.laws.consentRequired ? 'refused' : 'granted'
  }

  isTrusted(path: string): boolean {
    return this.laws.trusted.includes(path)
  }

  /** Within the limit of mirrors per origin, holders first, then by name. */
  isAdmitted(origin: Origin, place: ObjectKey): boolean {
    const places = [...this.namespaces.keys()]
      .map((namespace) => keyOf({ ...refOf(place), namespace }))
      .filter((key) => this.claims(origin, key))
    const holds = (key: ObjectKey): number => {
      const stored = this.#cluster.get(key)
      if (stored === null) return 1
      const { labels, annotations } = manifestOf(stored)
      return annotations[`${P}origin`] === origin.path && labels[`${P}mirror`] !== undefined ? 0 : 1
    }
    places.sort((a, b) => holds(a) - holds(b) || (a < b ? -1 : 1))
    return places.indexOf(place) < this.laws.mirrorsMax
  }

  /** Who may hold the place: trusted, then `holder`, then the older, then by name. A holder may be frozen or over the limit, others may not. */
  winner(place: ObjectKey, holder: ObjectKey | null): Origin | null {
    const { namespace } = refOf(place)
    const able = this.origins().filter((origin) => {
      const consent = this.consent(namespace, origin.path)
      if (!this.claims(origin, place) || consent === 'refused') return false
      return origin.key === holder || (consent !== 'frozen' && this.isAdmitted(origin, place))
    })
    const rank = (origin: Origin): string =>
      [
        this.isTrusted(origin.path) ? 0 : 1,
        origin.key === holder ? 0 : 1,
        origin.stored.createdAt,
        origin.path,
      ].join(' ')
    return able.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))[0] ?? null
  }

  /** What a mirror of the origin's present version holds; null if nothing may be written. */
  wanted(origin: Origin): Wanted | null {
    const { stored, spec } = origin
    const manifest = manifestOf(stored)
    const content = selected(manifest, spec)
    if (content === null || !this.isDeliverable(origin)) return null
    const only = (texts: Texts, key: string): Texts => {
      const value = texts[key]
      return spec.carry && value !== undefined ? { [key]: value } : {}
    }
    return {
      ...content,
      type: spec.type ?? manifest.type,
      immutable: spec.immutable,
      labels: {
        ...only(manifest.labels, 'example.dev/team'),
        ...(spec.label === null ? {} : { 'example.dev/fixed': spec.label }),
      },
      annotations: only(manifest.annotations, 'example.dev/note'),
    }
  }
}

/** `Kind/namespace/name` → `namespace/name`. */
export function pathOf(key: ObjectKey): string {
  return key.slice(key.indexOf('/') + 1)
}

/** Whose mirror an object is by all three marks; null for nobody's. */
export function ownedBy(stored: Stored): ObjectKey | null {
  const { labels, annotations } = manifestOf(stored)
  const path = annotations[`${P}origin`]
  if (annotations[`${P}reflect-from`] !== undefined || path === undefined) return null
  if (annotations[`${P}at`] !== pathOf(keyOf(stored.ref))) return null
  if (labels[`${P}mirror`] !== labelOf(stored.ref.kind, path)) return null
  const [namespace = '', name = ''] = path.split('/')
  return keyOf({ kind: stored.ref.kind, namespace, name })
}

/** The only mark that `origin` lost where the two others name it and the place; null where it lost none, or more, or one is wrong. */
export function strippedMark(stored: Stored, origin: string): 'label' | 'origin' | 'at' | null {
  const { labels, annotations } = manifestOf(stored)
  if (annotations[`${P}reflect-from`] !== undefined) return null
  const marks = {
    label: [labels[`${P}mirror`], labelOf(stored.ref.kind, origin)],
    origin: [annotations[`${P}origin`], origin],
    at: [annotations[`${P}at`], pathOf(keyOf(stored.ref))],
  } as const
  const wrong = (['label', 'origin', 'at'] as const).filter((name) => marks[name][0] !== marks[name][1])
  const [lost, ...more] = wrong
  if (lost === undefined || more.length > 0) return null
  return lost === 'at' && marks.at[0] !== undefined ? null : lost
}

/** The owner says that the object is his own. */
export function isDeclared(stored: Stored): boolean {
  if (manifestOf(stored).annotations[LAST_APPLIED] !== undefined) return true
  return [...stored.owners].some(
    ([path, managers]) =>
      /^(data|binaryData)\//.test(path) && [...managers].some((manager) => manager.endsWith('|Apply')),
  )
}

/** `resync`-proof text of what a mirror holds: equal texts, equal content. */
export function contentText(content: Pick<Wanted, 'data' | 'binaryData' | 'type' | 'immutable'>): string {
  const sorted = (texts: Texts): unknown => Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([sorted(content.data), sorted(content.binaryData), content.type, content.immutable])
}

function isMirrorLike(stored: Stored): boolean {
  const { labels, annotations } = manifestOf(stored)
  if (annotations[`${P}reflect-from`] !== undefined) return true
  const place = annotations[`${P}at`]
  const label = labels[`${P}mirror`] !== undefined
  const named = annotations[`${P}origin`] !== undefined
  if (place === undefined) return label && named
  return place === pathOf(keyOf(stored.ref)) && (label || named)
}

function labelOf(kind: string, path: string): string {
  const [namespace = '', name = ''] = path.split('/')
  const text = ['v1', IDENTITY, kind, namespace, name].map((field) => `${field}\0`).join('')
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function selected(
  manifest: Required<Manifest>,
  spec: OriginSpec,
): Pick<Wanted, 'data' | 'binaryData'> | null {
  const name = (key: string): string | null => {
    switch (spec.keys) {
      case 'all':
        return key
      case '!a':
        return key === 'a' ? null : key
      case 'a':
        return key === 'a' ? key : null
      case 'a=c':
        return key === 'a' ? 'c' : null
      case 'zz':
        return null
      case 'a=c,b=c':
        return key === 'a' || key === 'b' ? 'c' : null
    }
  }
  const taken: string[] = []
  const take = (texts: Texts): Texts =>
    Object.fromEntries(
      Object.entries(texts).flatMap(([key, value]) => {
        const as = name(key)
        if (as === null) return []
        taken.push(as)
        return [[as, value]]
      }),
    )
  const content = { data: take(manifest.data), binaryData: take(manifest.binaryData) }
  const isClash = new Set(taken).size < taken.length
  return isClash || (taken.length === 0 && spec.keys !== 'all') ? null : content
}

function covers(patterns: readonly string[], path: string): boolean {
  const [namespace] = path.split('/')
  return patterns.some((pattern) => pattern === '*' || pattern === path || pattern === `${namespace}/*`)
}
