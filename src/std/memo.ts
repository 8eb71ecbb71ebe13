/** Remembers the results of a pure parser under a bound of entries and of weight, least recently used first out. */

export interface MemoLimits<V> {
  readonly entriesMax: number
  readonly weightMax: number
  /** What one entry costs, in any unit; keys are not counted. An entry heavier than `weightMax` is never kept. */
  weigh(key: string, value: V): number
}

/** `parse` with a memory: the same text gives the same object while it is remembered. `parse` must be pure and never throw. */
export function memoised<V>(parse: (text: string) => V, limits: MemoLimits<V>): (text: string) => V {
  const entries = new Map<string, { readonly value: V; readonly weight: number }>()
  let weight = 0
  const evict = (): void => {
    for (const [text, entry] of entries) {
      if (entries.size <= limits.entriesMax && weight <= limits.weightMax) return
      entries.delete(text)
      weight -= entry.weight
    }
  }
  return (text) => {
    const known = entries.get(text)
    if (known !== undefined) {
      entries.delete(text)
      entries.set(text, known)
      return known.value
    }
    const value = parse(text)
    const cost = limits.weigh(text, value)
    if (cost > limits.weightMax) return value
    entries.set(text, { value, weight: cost })
    weight += cost
    evict()
    return value
  }
}
