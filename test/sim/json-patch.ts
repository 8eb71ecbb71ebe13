/** RFC 6902, the operations that are used: `test`, `add`, `remove` over objects. */

export interface Op {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

/** The patched document; null when an operation does not fit, as when a `test` does not hold. `document` is not kept. */
export function applyPatch(
  document: Record<string, unknown>,
  ops: readonly Op[],
): Record<string, unknown> | null {
  const root = structuredClone(document)
  return ops.every((op) => applyOne(root, op)) ? root : null
}

function applyOne(root: Record<string, unknown>, { op, path, value }: Op): boolean {
  const steps = path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  const last = steps.pop()
  const parent = steps.reduce<unknown>((at, step) => (isRecord(at) ? at[step] : undefined), root)
  if (last === undefined || !isRecord(parent)) return false
  switch (op) {
    case 'test':
      return Object.hasOwn(parent, last) && JSON.stringify(parent[last]) === JSON.stringify(value)
    case 'add':
      parent[last] = value
      return true
    case 'remove':
      return Object.hasOwn(parent, last) && delete parent[last]
    default:
      return false
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
