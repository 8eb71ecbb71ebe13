/**
 * Cuts a byte stream into lines at 0x0A and nowhere else (U+2028 is data), holding at most one bounded partial line.
 * A line inside one chunk is handed on without a copy; the bytes of a line that spans chunks are copied once.
 */

/** No metadata that a real API server can store comes near: etcd's limit is 1.5 MiB, and escapes triple a bad case. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024
/** Above this a buffer that held a partial line is given back once the line is through. */
const KEPT_BYTES_MAX = 256 * 1024
const NEWLINE = 0x0a

/** Says what became of a chunk: `stopped` when the receiver wanted no more. */
export type Pushed = 'ok' | 'oversized' | 'stopped'

export class LineSplitter {
  readonly #onLine: (line: Buffer) => boolean
  readonly #bytesMax: number
  #held: Buffer = Buffer.alloc(0)
  #length = 0

  /** `onLine` gets each line without its newline, must be done with the bytes when it returns, and answers whether to go on. */
  constructor(onLine: (line: Buffer) => boolean, bytesMax: number = LINE_BYTES_MAX) {
    this.#onLine = onLine
    this.#bytesMax = bytesMax
  }

  /** Takes the next chunk. After anything but `ok` the splitter must not be used again. */
  push(chunk: Buffer): Pushed {
    let start = 0
    let end = chunk.indexOf(NEWLINE)
    while (end !== -1) {
      if (this.#length + end - start > this.#bytesMax) return 'oversized'
      if (!this.#emit(chunk.subarray(start, end))) return 'stopped'
      start = end + 1
      end = chunk.indexOf(NEWLINE, start)
    }
    if (start === chunk.length) return 'ok'
    if (this.#length + chunk.length - start > this.#bytesMax) return 'oversized'
    this.#hold(chunk.subarray(start))
    return 'ok'
  }

  #emit(rest: Buffer): boolean {
    if (this.#length === 0) return rest.length === 0 || this.#onLine(rest)
    this.#hold(rest)
    const line = this.#held.subarray(0, this.#length)
    this.#length = 0
    if (this.#held.length > KEPT_BYTES_MAX) this.#held = Buffer.alloc(0)
    return this.#onLine(line)
  }

  /** Room doubles, so that a line of n bytes costs O(n) copies however small its chunks are. */
  #hold(bytes: Buffer): void {
    const needed = this.#length + bytes.length
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#held.length * 2, 4096))
      this.#held.copy(grown, 0, 0, this.#length)
      this.#held = grown
    }
    bytes.copy(this.#held, this.#length)
    this.#length = needed
  }
}
