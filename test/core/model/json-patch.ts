/** A small interpreter of JSON patches (RFC 6902: `add`, `remove`, `test`) over RFC 6901 pointers, as strict as the API server. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Members = Record<string, Json>

export interface PatchOp {
  readonly op: string
  readonly path: string
  readonly value?: Json
}

export type Patched =
  | { readonly kind: 'patched'; readonly document: Members }
  /** A `test` that does not hold, or a path that is not there: the server answers 422 without causes to both. */
  | { readonly kind: 'refused'; readonly op: PatchOp }

/** `document` after every operation, or the first operation that cannot be done; `document` itself stays as it is. */
export function applyPatch(document: Members, ops: readonly PatchOp[]): Patched {
  const copy = parse(JSON.stringify(document))
  for (const op of ops) if (!applyOne(copy, op)) return { kind: 'refused', op }
  return { kind: 'patched', document: copy }
}

/** JSON text to members, with `__proto__` as an ordinary key. */
export function parse(text: string): Members {
  const parsed = JSON.parse(text) as Json
  if (!isMembers(parsed)) throw new Error('not a JSON object')
  return parsed
}

export function isMembers(value: Json | undefined): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An own member; never what a prototype offers. */
export function member(value: Json | undefined, key: string): Json | undefined {
  return isMembers(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

function applyOne(document: Members, { op, path, value }: PatchOp): boolean {
  const keys = keysOf(path)
  const last = keys.at(-1)
  if (last === undefined) return false
  let parent: Json | undefined = document
  for (const key of keys.slice(0, -1)) parent = member(parent, key)
  if (!isMembers(parent)) return false
  switch (op) {
    case 'test':
      return Object.hasOwn(parent, last) && isEqual(parent[last] ?? null, value ?? null)
    case 'remove':
      return Object.hasOwn(parent, last) && Reflect.deleteProperty(parent, last)
    case 'add':
      Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true })
      return true
    default:
      return false
  }
}

function keysOf(path: string): readonly string[] {
  if (!path.startsWith('/') || /~(?![01])/.test(path)) return []
  return path
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function isEqual(a: Json, b: Json): boolean {
  return canonical(a) === canonical(b)
}

/** Text that is equal for equal JSON, whatever the order of members. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isMembers(value)) return JSON.stringify(value)
  const members = Object.keys(value).sort()
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key] ?? null)}`).join(',')}}`
}
