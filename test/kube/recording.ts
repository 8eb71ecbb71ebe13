/** A sink and a watcher that write down what they are told, and let a test wait for it. */

import type { ObjectMeta } from '../../src/core/objects.ts'
import type { ResourceVersion } from '../../src/core/names.ts'
import { isNewer } from '../../src/core/names.ts'
import type { ChangeSink, ReflectorWatcher, Witness } from '../../src/kube/changes.ts'

/** A log to which a test can listen. */
export class Journal {
  readonly entries: string[] = []
  readonly #waiting = new Set<() => void>()

  write(entry: string): void {
    this.entries.push(entry)
    for (const check of this.#waiting) check()
  }

  /** Resolves once `entry` has been written `times` times. */
  has(entry: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.entries.filter((one) => one === entry).length < times) return
        this.#waiting.delete(check)
        resolve()
      }
      this.#waiting.add(check)
      check()
    })
  }
}

/** Marks and sweeps as the store does, in few lines. */
export class RecordingSink implements ChangeSink<ObjectMeta> {
  readonly journal = new Journal()
  readonly stored = new Map<string, ObjectMeta>()
  readonly awaited = new Set<string>()
  #named: Set<string> | null = null

  beginSnapshot(witness: 'relist' | 'audit'): void {
    this.#named = new Set()
    this.journal.write(`begin ${witness}`)
  }

  put(object: ObjectMeta, witness: Witness): boolean {
    const path = `${object.namespace}/${object.name}`
    this.#named?.add(path)
    const before = this.stored.get(path)
    const isNews =
      before === undefined || before.uid !== object.uid || isNewer(object.version, before.version)
    if (isNews) this.stored.set(path, object)
    this.journal.write(`put ${object.name}@${object.version} ${witness}`)
    return isNews
  }

  gone(object: ObjectMeta, witness: Witness): boolean {
    this.journal.write(`gone ${object.name}@${object.version} ${witness}`)
    return this.stored.delete(`${object.namespace}/${object.name}`)
  }

  endSnapshot(asOf: ResourceVersion | null): number {
    const isPast = (object: ObjectMeta): boolean => asOf === null || !isNewer(object.version, asOf)
    const named = this.#named ?? new Set()
    const swept = [...this.stored].filter(([path, object]) => !named.has(path) && isPast(object))
    for (const [path] of swept) this.stored.delete(path)
    this.#named = null
    this.journal.write(`end ${asOf} swept ${swept.length}`)
    return swept.length
  }

  isKnown(namespace: string, name: string): boolean {
    const path = `${namespace}/${name}`
    return this.stored.has(path) || this.awaited.has(path)
  }
}

export class RecordingWatcher implements ReflectorWatcher {
  readonly journal = new Journal()
  attempts = 0
  heards = 0

  attempted(): void {
    this.attempts += 1
  }

  heard(): void {
    this.heards += 1
  }

  synced(resource: string): void {
    this.journal.write(`synced ${resource}`)
  }

  restarted(_resource: string, why: string): void {
    this.journal.write(`restarted ${why}`)
  }

  failed(_resource: string, failure: { readonly kind: string }): void {
    this.journal.write(`failed ${failure.kind}`)
  }

  auditFound(_resource: string, count: number): void {
    this.journal.write(`audit ${count}`)
  }
}
