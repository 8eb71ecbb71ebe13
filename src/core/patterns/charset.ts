/** Sets of ASCII characters, and what the classes of both flavours mean within ASCII. */

/** Bit n stands for the character of code n, 0 to 127. Names hold nothing beyond ASCII. */
export type CharSet = bigint

/** Codes of ASCII. */
export const ASCII_SIZE = 128

export const NOTHING: CharSet = 0n
export const EVERYTHING: CharSet = (1n << BigInt(ASCII_SIZE)) - 1n

/** All characters from one code to another, both included; what lies beyond ASCII is left out. */
export function span(from: number, to: number): CharSet {
  const last = Math.min(to, ASCII_SIZE - 1)
  if (!(from <= last)) return NOTHING
  return ((1n << BigInt(last - from + 1)) - 1n) << BigInt(from)
}

/** The characters of a text that are ASCII. */
export function charsOf(text: string): CharSet {
  let set = NOTHING
  for (let i = 0; i < text.length; i += 1) set |= span(text.charCodeAt(i), text.charCodeAt(i))
  return set
}

export function without(set: CharSet, less: CharSet): CharSet {
  return set & ~less
}

export const UPPER = charsOf('ABCDEFGHIJKLMNOPQRSTUVWXYZ')
export const LOWER = charsOf('abcdefghijklmnopqrstuvwxyz')
export const DIGIT = charsOf('0123456789')
export const LETTER = UPPER | LOWER
/** `\w` of both flavours. */
export const WORD = LETTER | DIGIT | charsOf('_')
/** `\s` of .NET, and `[[:space:]]`; RE2 leaves the vertical tab out of `\s`. */
export const SPACE = charsOf(' \t\n\v\f\r')

const CASE_DISTANCE = 32n

/** Both cases of every letter in the set. */
export function folded(set: CharSet): CharSet {
  return set | ((set & UPPER) << CASE_DISTANCE) | ((set & LOWER) >> CASE_DISTANCE)
}

/** One byte per code, for the matcher. */
export function tableOf(set: CharSet): Uint8Array {
  const table = new Uint8Array(ASCII_SIZE)
  for (let code = 0; code < ASCII_SIZE; code += 1) table[code] = Number((set >> BigInt(code)) & 1n)
  return table
}
