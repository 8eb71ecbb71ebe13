/** The generated pages under docs/, made from the tables in code: the introductions are written here, every row comes from its table. */

import { annotationsPage } from './annotations.ts'
import { configurationPage } from './configuration.ts'
import { eventsPage } from './events.ts'
import { metricsPage } from './metrics.ts'

/** Each page by its path from the repository's root. */
export const PAGES: Readonly<Record<string, () => string>> = {
  'docs/annotations.md': annotationsPage,
  'docs/configuration.md': configurationPage,
  'docs/events.md': eventsPage,
  'docs/metrics.md': metricsPage,
}
