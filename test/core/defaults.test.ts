/** The default lists: they parse under the bounds of the settings' own parsers, and they bind what they name. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ALWAYS_REFUSED_TYPES, DEFAULT_REFUSED_TYPES, LAST_APPLIED } from '../../src/core/defaults.ts'
import { isAnnotationKey, isLabelKey, isLabelValue, isSecretType } from '../../src/core/names.ts'
import { RULES } from './rules.ts'

test('never carried are the marks by which other tools own, group or find the origin', () => {
  for (const key of [
    LAST_APPLIED,
    'kubernetes.io/metadata.name',
    'meta.helm.sh/release-name',
    'helm.sh/chart',
    'app.kubernetes.io/instance',
    'app.kubernetes.io/managed-by',
    'app.kubernetes.io/part-of',
    'argocd.argoproj.io/tracking-id',
    'kustomize.toolkit.fluxcd.io/name',
    'external-secrets.io/x',
    'reconcile.external-secrets.io/managed',
    'mutation.openpolicyagent.org/x',
    'grafana_dashboard',
    'reflector.v1.k8s.emberstack.com/reflects',
    'replicator.v1.mittwald.de/replicate-to',
    'kubed.appscode.com/sync',
  ]) {
    assert.equal(RULES.neverCarry.matches(key), true, key)
  }
  for (const key of ['app.kubernetes.io/name', 'app.kubernetes.io/component', 'example.com/team', 'team']) {
    assert.equal(RULES.neverCarry.matches(key), false, key)
  }
})

test('refused keys are those that make other software trust an object', () => {
  for (const key of [
    'argocd.argoproj.io/secret-type',
    'istio/multiCluster',
    'cluster.x-k8s.io/cluster-name',
  ]) {
    assert.equal(RULES.refusedKeys.matches(key), true, key)
  }
  assert.equal(RULES.refusedKeys.matches('argocd.argoproj.io/other'), false)
})

test('what is always refused is also refused by default', () => {
  for (const type of ALWAYS_REFUSED_TYPES) assert.ok(DEFAULT_REFUSED_TYPES.split(', ').includes(type))
})

test('label keys, annotation keys, label values and types follow the API server', () => {
  const names = ['a', 'A_b.c-9', 'example.com/a', `${'a'.repeat(253)}/${'b'.repeat(63)}`]
  const bad = [
    '',
    '-a',
    'a-',
    'a b',
    'a/b/c',
    '/a',
    'a/',
    'Example_.com/a',
    'b'.repeat(64),
    `${'a'.repeat(254)}/b`,
    'é',
  ]
  for (const name of names) assert.equal(isLabelKey(name) && isAnnotationKey(name), true, name)
  for (const name of bad) assert.equal(isLabelKey(name), false, name)
  assert.equal(isLabelKey('Example.com/a'), false)
  assert.equal(isAnnotationKey('Example.com/a'), true)
  for (const value of ['', 'a', '1.2_3-4', 'a'.repeat(63)]) assert.equal(isLabelValue(value), true, value)
  for (const value of ['-', 'a-', 'a b', 'a/b', 'a'.repeat(64), 'a\n'])
    assert.equal(isLabelValue(value), false, value)
  for (const type of ['Opaque', 'kubernetes.io/tls', 'example.com/any.Type-1'])
    assert.equal(isSecretType(type), true, type)
  for (const type of ['', ' ', 'a b', 'a\n', 'x'.repeat(254)]) assert.equal(isSecretType(type), false, type)
})
