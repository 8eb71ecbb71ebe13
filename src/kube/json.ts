/** JSON from outside: an object or nothing, never the parser's message, which quotes its input. */

export type Json = Readonly<Record<string, unknown>>

/** The JSON object that `bytes` hold as UTF-8; null when they hold anything else. */
export function parseJson(bytes: Buffer): Json | null {
  try {
    const raw: unknown = JSON.parse(bytes.toString('utf8'))
    return isRecord(raw) ? raw : null
  } catch {
    return null
  }
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
