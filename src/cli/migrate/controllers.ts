/** Tells an old controller by its name, its labels and its images. */

import { difference } from './differences.ts'
import type { Difference } from './differences.ts'
import type { Workload } from './scene.ts'

/** Each tool: the last part of its images, and words of the names that its charts give. */
const TOOLS: readonly {
  readonly tool: string
  readonly image: RegExp
  readonly name: RegExp
}[] = [
  { tool: 'reflector', image: /(^|\/)(kubernetes-)?reflector([:@]|$)/, name: /(^|-)reflector(-|$)/ },
  { tool: 'replicator', image: /(^|\/)kubernetes-replicator([:@]|$)/, name: /(^|-)replicator(-|$)/ },
  {
    tool: 'kubed or config-syncer',
    image: /(^|\/)(kubed|config-syncer)([:@]|$)/,
    name: /(^|-)(kubed|config-syncer)(-|$)/,
  },
]

const NAMING_LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app', 'k8s-app'] as const

export function runningControllers(workloads: readonly Workload[]): readonly Difference[] {
  return workloads.flatMap((workload) => {
    const { namespace, name, labels, images, isScaledToZero } = workload
    if (isScaledToZero) return []
    const names = [name, ...NAMING_LABELS.flatMap((label) => labels[label] ?? [])]
    const found = TOOLS.find(
      (tool) =>
        images.some((image) => tool.image.test(image.trim())) || names.some((each) => tool.name.test(each)),
    )
    return found === undefined
      ? []
      : [difference('old-controller-running', { object: `${namespace}/${name}`, tool: found.tool })]
  })
}
