/** placeholder: signatures only */
import type { Texts } from './objects.ts'
export interface LabelSelector {
  matches(labels: Texts): boolean
}
