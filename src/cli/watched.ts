/** Which resources of a cluster are watched. */

import type { Kind } from '../core/names.ts'
import type { ObjectMeta } from '../core/objects.ts'
import { CONFIG_MAPS, NAMESPACES, SECRETS } from '../kube/resources.ts'
import type { WatchedResource } from '../kube/resources.ts'

export const RESOURCES: Readonly<Record<Kind, WatchedResource<ObjectMeta>>> = {
  Secret: SECRETS,
  ConfigMap: CONFIG_MAPS,
}

export function watchedResources(kinds: readonly Kind[]): readonly string[] {
  return [...kinds.map((kind) => RESOURCES[kind].resource), NAMESPACES.resource]
}
