/** Keys by which other clusters are reached and shared among replicas: part of the one table of annotations. */

import type { AnnotationRow } from './annotations.ts'

const PEER_ROW = { on: 'peer', form: 'annotation' } as const
const LEASE_MARK_ROW = { on: 'mark on lease', unset: null } as const

export const PEER_ROWS = [
  {
    key: 'peer',
    on: 'peer',
    form: 'label',
    value: '`true`',
    unset: 'not a peer',
    meaning:
      'On a Secret in the controller’s own namespace: its content is the way into another cluster. Such a Secret is never an origin. `heliograph peer clean` makes it `cleaned`: out of service.',
    example: 'true',
  },
  {
    ...PEER_ROW,
    key: 'peer-name',
    value: 'a name',
    unset: 'the Secret’s name',
    meaning: 'What `targets` matches.',
    example: 'prod-eu',
  },
  {
    ...PEER_ROW,
    key: 'peer-origins',
    value: 'comma-separated globs over `namespace/name`',
    unset: 'any origin, into the namespace of its own name',
    meaning: 'Who may forward there.',
    example: 'shared/*',
  },
  {
    ...PEER_ROW,
    key: 'peer-namespaces',
    value: 'comma-separated namespace names',
    unset: 'every namespace',
    meaning: 'The only namespaces that the peer grants.',
    example: 'team-a, team-b',
  },
  {
    ...PEER_ROW,
    key: 'peer-identity',
    value: 'an identity',
    unset: 'asked of the peer',
    meaning:
      'Which cluster is meant: another one is refused. A peer that grants single namespaces only cannot be asked, and is taken at this word.',
    example: '6c1f0f8e-0000-4000-8000-000000000000',
  },
  {
    ...LEASE_MARK_ROW,
    key: 'lease',
    form: 'label',
    value: '`member` or `peers`',
    meaning:
      'On the Leases by which replicas share peers: one for each replica, one for each group of peers.',
    example: 'peers',
  },
  {
    ...LEASE_MARK_ROW,
    key: 'peer-identities',
    form: 'annotation',
    value: 'a JSON object',
    meaning:
      'Which cluster each peer of the group is, so that no two replicas keep one cluster under two names.',
    example: '{"prod-eu":"6c1f0f8e-0000-4000-8000-000000000000"}',
  },
] as const satisfies readonly AnnotationRow[]
