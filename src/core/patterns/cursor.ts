/** A place in a pattern that is being read, and the first reason to refuse it. */

export interface Cursor {
  readonly text: string
  at: number
  /** Set once, by the first refusal; the cursor then stands at the end, so that every reading loop ends. */
  reason: string | null
  /** Names of groups, where they must differ. */
  readonly names: Set<string>
}

export function cursorOn(text: string): Cursor {
  return { text, at: 0, reason: null, names: new Set() }
}

/** Refuses the pattern; `reason` is fixed and quotes nothing of it. Reading goes on at the end, with nothing. */
export function refuse(cursor: Cursor, reason: string): void {
  cursor.reason ??= reason
  cursor.at = cursor.text.length
}

export function isAtEnd(cursor: Cursor): boolean {
  return cursor.at >= cursor.text.length
}

/** The character that is `offset` ahead; empty at the end. */
export function peek(cursor: Cursor, offset = 0): string {
  return cursor.text.charAt(cursor.at + offset)
}

/** Consumes one code unit; empty at the end. */
export function take(cursor: Cursor): string {
  const char = peek(cursor)
  cursor.at += char.length
  return char
}

/** Consumes one code point; NaN at the end. */
export function takePoint(cursor: Cursor): number {
  const point = cursor.text.codePointAt(cursor.at) ?? Number.NaN
  cursor.at += point > 0xffff ? 2 : 1
  return point
}

export function startsWith(cursor: Cursor, text: string): boolean {
  return cursor.text.startsWith(text, cursor.at)
}

/** Consumes `text` if it is next. */
export function takes(cursor: Cursor, text: string): boolean {
  if (!startsWith(cursor, text)) return false
  cursor.at += text.length
  return true
}

/** Consumes what a sticky expression finds here; empty if nothing. */
export function takeWhile(cursor: Cursor, sticky: RegExp): string {
  sticky.lastIndex = cursor.at
  const found = sticky.exec(cursor.text)?.[0] ?? ''
  cursor.at += found.length
  return found
}
