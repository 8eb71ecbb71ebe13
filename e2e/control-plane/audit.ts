/** Reads the API server's audit log: who asked for what, how often, and how it was answered. */

import { open, stat } from 'node:fs/promises'

/** Everything at Metadata level, one line a request; a watch is told when it begins, anything else when it ends. */
export const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ['system:apiserver', 'heliograph:controller-manager']
  - level: None
    nonResourceURLs: ['/livez*', '/readyz*', '/healthz*', '/openapi*']
  - level: Metadata
`

export interface AuditEntry {
  readonly user: string
  /** create, get, list, watch, patch, update, delete, deletecollection. */
  readonly verb: string
  /** Plural; empty for a request that names no resource. */
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly code: number
  readonly uri: string
  readonly userAgent: string
}

export type AuditField = 'user' | 'verb' | 'resource' | 'subresource' | 'namespace' | 'name' | 'code'

/** A place in the log: entries after it belong to what was asked after it was taken. */
export interface AuditMark {
  readonly bytes: number
}

export interface Audit {
  /** The place now, after everything that was answered before the call. */
  mark(): Promise<AuditMark>
  /** What was answered since `mark` (left out: since the start), oldest first. */
  since(mark?: AuditMark): Promise<readonly AuditEntry[]>
}

/** How often each combination of `fields` occurs; keys are the fields' values joined by blanks. */
export function tally(
  entries: readonly AuditEntry[],
  ...fields: readonly AuditField[]
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const entry of entries) {
    const key = fields.map((field) => String(entry[field])).join(' ')
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/**
 * The log in `file`. `ask` sends a harmless request for a path: the log is read up to that request's own entry, and so
 * holds all that was answered before.
 */
export function readAudit(file: string, ask: (path: string) => Promise<void>): Audit {
  let sentinels = 0
  const read = async (
    from: number,
  ): Promise<{ readonly entries: readonly AuditEntry[]; readonly end: number }> => {
    sentinels += 1
    const name = `${SENTINEL}${process.pid}-${sentinels}`
    await ask(`/api/v1/namespaces/${name}`)
    const deadline = performance.now() + SENTINEL_MS_MAX
    for (;;) {
      const { text, end } = await textFrom(file, from)
      if (text.includes(`"name":"${name}"`)) {
        const entries = text.split('\n').flatMap(parseEntry)
        return { entries: entries.filter((entry) => !entry.name.startsWith(SENTINEL)), end }
      }
      if (performance.now() > deadline)
        throw new Error(`the audit log ${file} does not show what was asked last`)
      await new Promise((resolve) => void setImmediate(resolve))
    }
  }
  return {
    mark: async () => ({ bytes: (await read((await stat(file)).size)).end }),
    since: async (mark) => (await read(mark?.bytes ?? 0)).entries,
  }
}

const SENTINEL = 'audit-sentinel-'
const SENTINEL_MS_MAX = 10_000

/** Whole lines only: the server may be in the middle of one. */
async function textFrom(
  file: string,
  from: number,
): Promise<{ readonly text: string; readonly end: number }> {
  const handle = await open(file, 'r')
  try {
    const { size } = await handle.stat()
    const buffer = Buffer.alloc(Math.max(0, size - from))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from)
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(0x0a) + 1
    return { text: buffer.toString('utf8', 0, whole), end: from + whole }
  } finally {
    await handle.close()
  }
}

interface AuditLine {
  readonly stage: string
  readonly verb: string
  readonly requestURI: string
  readonly userAgent?: string
  readonly user?: { readonly username?: string }
  readonly impersonatedUser?: { readonly username?: string }
  readonly responseStatus?: { readonly code?: number }
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly namespace?: string
    readonly name?: string
  }
}

function parseEntry(line: string): readonly AuditEntry[] {
  if (line === '') return []
  const said = JSON.parse(line) as AuditLine
  const isWatch = said.verb === 'watch'
  const isRefusedWatch =
    isWatch && said.stage === 'ResponseComplete' && (said.responseStatus?.code ?? 0) >= 400
  if (said.stage !== (isWatch ? 'ResponseStarted' : 'ResponseComplete') && !isRefusedWatch) return []
  return [
    {
      user: said.impersonatedUser?.username ?? said.user?.username ?? '',
      verb: said.verb,
      resource: said.objectRef?.resource ?? '',
      subresource: said.objectRef?.subresource ?? '',
      namespace: said.objectRef?.namespace ?? '',
      name: said.objectRef?.name ?? '',
      code: said.responseStatus?.code ?? 0,
      uri: said.requestURI,
      userAgent: said.userAgent ?? '',
    },
  ]
}
