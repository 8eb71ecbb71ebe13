/** Every key under our prefix in one table: where it stands, what it takes, what it means. Parsers, marks and docs/annotations.md read the same rows. */

import type { Texts } from './objects.ts'
import { PEER_ROWS } from './peer-annotations.ts'

/** Where a key is written: by people on the first four, by us on the marks. */
export type AnnotationPlace =
  | 'origin'
  | 'mirror'
  | 'namespace'
  | 'lease'
  | 'peer'
  /** Marks, written by us. */
  | 'mark on namespace'
  | 'mark on mirror'
  | 'mark on lease'
  | 'mark on pull mirror'

export interface AnnotationRow {
  /** The key without its prefix. */
  readonly key: string
  readonly on: AnnotationPlace
  /** Whether it is an annotation or a label. */
  readonly form: 'annotation' | 'label'
  /** What a value looks like, as a person would say it. */
  readonly value: string
  /** What holds when it is not given; null for keys that are required where they stand, and for marks. */
  readonly unset: string | null
  readonly meaning: string
  /** A value to copy. */
  readonly example: string
}

const GLOBS = 'comma-separated globs'
const BOOLEAN = '`true` or `false`'
const ORIGIN_ROW = { on: 'origin', form: 'annotation' } as const
const MIRROR_ROW = { on: 'mirror', form: 'annotation' } as const
const NAMESPACE_ROW = { on: 'namespace', form: 'annotation' } as const

export const ANNOTATIONS = [
  {
    ...ORIGIN_ROW,
    key: 'reflect-to',
    value: `${GLOBS} over namespaces`,
    unset: 'no mirrors are kept',
    meaning:
      'Keep a mirror in each matching namespace of this cluster. The origin’s own and protected namespaces are never targets.',
    example: 'team-*, !team-sandbox',
  },
  {
    ...ORIGIN_ROW,
    key: 'reflect-to-selector',
    value: 'a label selector, full Kubernetes syntax',
    unset: 'labels do not matter',
    meaning:
      'The same by the labels of namespaces; with `reflect-to` as well, both must hold. Blank matches nothing.',
    example: 'env in (dev,test),!legacy',
  },
  {
    ...ORIGIN_ROW,
    key: 'allow-pull',
    value: `${GLOBS} over namespaces`,
    unset: 'nobody may pull',
    meaning: 'Which namespaces may fill an object of their own from this origin with `reflect-from`.',
    example: 'team-a, team-b',
  },
  {
    ...ORIGIN_ROW,
    key: 'targets',
    value: `${GLOBS} over peer names`,
    unset: 'nothing is forwarded',
    meaning: 'Forward to these peer clusters.',
    example: 'prod-*',
  },
  {
    ...ORIGIN_ROW,
    key: 'target-namespaces',
    value: `${GLOBS} over namespaces`,
    unset: 'the namespace of the origin’s own name',
    meaning: 'Which namespaces of a peer receive a mirror.',
    example: 'team-*',
  },
  {
    ...ORIGIN_ROW,
    key: 'target-namespaces-selector',
    value: 'a label selector, full Kubernetes syntax',
    unset: 'labels do not matter',
    meaning:
      'The same by the labels of the peer’s namespaces; with `target-namespaces` as well, both must hold.',
    example: 'env=prod',
  },
  {
    ...ORIGIN_ROW,
    key: 'reflect-as',
    value: 'a name; `{name}` and `{namespace}` stand for the origin’s',
    unset: 'the origin’s name',
    meaning:
      'The name of the mirrors. The result must be a legal name, and none that the platform writes itself (setting `refusedNames`).',
    example: '{namespace}-{name}',
  },
  {
    ...ORIGIN_ROW,
    key: 'keys',
    value: 'comma-separated data keys, `key in origin=key in mirror`, `!key`',
    unset: 'every key, under its own name',
    meaning:
      'Which keys a mirror holds, and under which names. Names are exact. Exclusions alone take all others; an excluded key is not taken even if it is named; a named key that is absent is left out. Nothing left, or two sources for one key: held.',
    example: 'tls.crt, ca.crt=ca.pem, !tls.key',
  },
  {
    ...ORIGIN_ROW,
    key: 'type',
    value: 'a Secret type',
    unset: 'the origin’s type',
    meaning: 'The type of the mirrors. On Secrets only.',
    example: 'Opaque',
  },
  {
    ...ORIGIN_ROW,
    key: 'carry',
    value: `${GLOBS} over label and annotation keys`,
    unset: 'none',
    meaning: 'Labels and annotations to copy besides data. Keys on the never-carry list are left out.',
    example: 'example.com/*, team',
  },
  {
    ...ORIGIN_ROW,
    key: 'labels',
    value: 'a JSON object of strings',
    unset: 'none',
    meaning: 'Fixed labels for each mirror. They win over carried ones.',
    example: '{"team":"platform"}',
  },
  {
    ...ORIGIN_ROW,
    key: 'annotations',
    value: 'a JSON object of strings',
    unset: 'none',
    meaning: 'Fixed annotations for each mirror. They win over carried ones.',
    example: '{"example.com/contact":"platform@example.com"}',
  },
  {
    ...ORIGIN_ROW,
    key: 'immutable',
    value: BOOLEAN,
    unset: 'false',
    meaning: 'Mirrors are immutable; a change replaces them.',
    example: 'true',
  },
  {
    ...ORIGIN_ROW,
    key: 'on-delete',
    value: '`delete` or `retain`',
    unset: 'delete',
    meaning:
      'Whether a mirror goes or stays when its claim ends. A retained mirror keeps its data and is no longer ours.',
    example: 'retain',
  },
  {
    ...ORIGIN_ROW,
    key: 'validate',
    value: 'comma-separated: `tls`, `dockerconfigjson`, `keys=a|b`, `json=key`, `pem=key`',
    unset: 'none',
    meaning:
      'What the origin’s data must pass. A version that fails is not distributed: mirrors keep the last good one. `tls`: certificates in `tls.crt`, the first of which belongs to `tls.key` and is in date when the version is written.',
    example: 'tls',
  },
  {
    ...ORIGIN_ROW,
    key: 'paused',
    value: BOOLEAN,
    unset: 'false',
    meaning: 'Held: nothing is created, updated, put back or deleted for this origin.',
    example: 'true',
  },
  {
    ...ORIGIN_ROW,
    key: 'resync',
    value: 'anything',
    unset: 'nothing',
    meaning: 'A changed value verifies the data of every mirror, at most once a minute.',
    example: '2026-11-24',
  },
  {
    ...MIRROR_ROW,
    key: 'reflect-from',
    value: '`namespace/name`',
    unset: 'not a pull mirror',
    meaning:
      'Fill this object from that origin, which must list this namespace in `allow-pull`. Its data is replaced as a whole; its type stays; it is never deleted by us and never an origin.',
    example: 'shared/registry',
  },
  {
    ...MIRROR_ROW,
    key: 'adopt',
    value: '`namespace/name`',
    unset: 'an object that is not ours stays untouched',
    meaning:
      'Permits that origin’s first take-over of this object while its live claim names it. An adopted object is retained when the claim ends.',
    example: 'shared/registry',
  },
  {
    ...NAMESPACE_ROW,
    key: 'accept',
    value: `${GLOBS} over \`[cluster:]namespace/name\``,
    unset: 'every origin may push here, unless the setting `consent` asks for more',
    meaning:
      'Only these origins may push here. Without `cluster:`, origins of this cluster; from another cluster only with `cluster:` or `*:`.',
    example: 'shared/*, !shared/internal-*',
  },
  {
    ...NAMESPACE_ROW,
    key: 'refuse',
    value: `${GLOBS} over \`[cluster:]namespace/name\``,
    unset: 'nothing is refused',
    meaning:
      'These origins may not push here, whatever `accept` says. Without `cluster:`, origins of every cluster; `*` opts out of everything.',
    example: '*',
  },
  {
    key: 'release',
    on: 'lease',
    form: 'annotation',
    value: 'a hold id',
    unset: 'held deletions stay held',
    meaning: 'On the Lease `heliograph`: lets the held deletions of that id go, once; lapses in an hour.',
    example: '3f9c2a17b0',
  },
  ...PEER_ROWS,
  {
    ...markRow(
      'created',
      '`true`',
      'On a Namespace of a peer: it was made because an origin names it (setting `createNamespaces`). Heliograph never deletes it.',
      'true',
    ),
    on: 'mark on namespace',
    form: 'label',
  },
  {
    key: 'mirror',
    on: 'mark on mirror',
    form: 'label',
    value: '16 hexadecimal digits',
    unset: null,
    meaning:
      'First digits of SHA-256 over home’s identity and the origin’s kind, namespace and name: the same for a re-created origin.',
    example: '9f86d081884c7d65',
  },
  markRow('origin', '`namespace/name`', 'The origin.', 'shared/registry'),
  markRow(
    'at',
    '`namespace/name`',
    'The mirror’s own place, so that a copy of its manifest elsewhere is not ours.',
    'team-a/registry',
  ),
  markRow(
    'origin-uid',
    'a uid',
    'The origin’s uid when data was last written.',
    '0b4f5a3e-0000-4000-8000-000000000000',
  ),
  markRow(
    'origin-version',
    'a resourceVersion',
    'The origin’s resourceVersion when data was last written.',
    '48213',
  ),
  markRow(
    'origin-cluster',
    'an identity',
    'On peers: the cluster of the origin.',
    '6c1f0f8e-0000-4000-8000-000000000000',
  ),
  markRow('on-delete', '`retain`', 'Kept current, so that it decides once the origin is gone.', 'retain'),
  markRow('adopted', '`true`', 'The object was there before us and was taken over with consent.', 'true'),
  markRow(
    'carried',
    'comma-separated `labels/KEY` and `annotations/KEY`, sorted',
    'The labels and annotations that we set: exactly these are put right or removed.',
    'labels/team',
  ),
  markRow(
    'digest',
    '`v1.KEYID.HMAC.HMAC`',
    'Tells whether the mirror is current without reading it; it cannot be used to guess or compare values.',
    'v1.0a1b2c3d4e5f.….…',
  ),
  markRow(
    'retained',
    '`namespace/name`',
    'Left to its owner when the claim of this origin ended; the same origin claiming again takes it back.',
    'shared/registry',
  ),
  pullMarkRow('pulled-from', '`namespace/name`', 'The origin that filled it last.', 'shared/registry'),
  pullMarkRow('digest', '`v1.KEYID.HMAC.HMAC`', 'As on a mirror.', 'v1.0a1b2c3d4e5f.….…'),
  pullMarkRow(
    'carried',
    'comma-separated `labels/KEY` and `annotations/KEY`, sorted',
    'As on a mirror.',
    'labels/team',
  ),
] as const satisfies readonly AnnotationRow[]

export type AnnotationKey = (typeof ANNOTATIONS)[number]['key']

/** The key as it is written on an object. `prefix` ends with its slash. */
export function annotation(prefix: string, key: AnnotationKey): string {
  return prefix + key
}

/** Keys that make an object an origin. */
export const CLAIMING_KEYS = [
  'reflect-to',
  'reflect-to-selector',
  'allow-pull',
  'targets',
] as const satisfies readonly AnnotationKey[]

const KNOWN: ReadonlySet<string> = new Set(ANNOTATIONS.map((row) => row.key))

/** Keys under our prefix that mean nothing to us, such as a misspelt `reflectto`: sorted, without the prefix. No bad values, but worth a word. */
export function unknownKeys(
  meta: { readonly annotations: Texts; readonly labels: Texts },
  prefix: string,
): readonly string[] {
  const ours = [...Object.keys(meta.annotations), ...Object.keys(meta.labels)].filter((key) =>
    key.startsWith(prefix),
  )
  return [...new Set(ours.map((key) => key.slice(prefix.length)))].filter((key) => !KNOWN.has(key)).sort()
}

function markRow<K extends string>(key: K, value: string, meaning: string, example: string) {
  return {
    key,
    on: 'mark on mirror',
    form: 'annotation',
    value,
    unset: null,
    meaning,
    example,
  } as const
}

function pullMarkRow<K extends string>(key: K, value: string, meaning: string, example: string) {
  return { ...markRow(key, value, meaning, example), on: 'mark on pull mirror' } as const
}
