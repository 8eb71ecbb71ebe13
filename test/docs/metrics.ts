/** Makes docs/metrics.md: what each metric means and when to worry. */

import { METRICS, METRIC_NAMES } from '../../src/ops/catalogue.ts'
import type { LabelValues, MetricName, MetricRow } from '../../src/ops/catalogue.ts'
import { bullets, code, page, paragraph, table } from './markdown.ts'

const INTRODUCTION = paragraph(`
  Served on \`/metrics\` beside \`/livez\` and \`/readyz\`, on port 8080 unless \`listen\` says otherwise. Every replica serves them; writes, mirrors and
  queues are those of the leader, so sum over replicas or choose the one where \`heliograph_leader\` is 1. No label ever holds the name of an object or a
  namespace: the number of series does not grow with the cluster. The runtime’s own metrics (\`process_…\`, \`nodejs_…\`, event loop lag among them) come besides.
`)

const QUESTIONS: readonly (readonly [question: string, answer: string])[] = [
  ['Does anybody write?', 'sum(heliograph_leader) == 1'],
  ['Does everything follow?', 'sum(heliograph_mirrors{state!="synced"}) == 0'],
  [
    'How fast does a rotation spread?',
    'histogram_quantile(0.99, sum by (le) (rate(heliograph_propagation_seconds_bucket[1h])))',
  ],
  ['Is something stuck?', 'max(heliograph_queue_oldest_age_seconds{lane="fresh"}) > 60'],
  ['Does a person have to decide?', 'sum(heliograph_deletions_held) > 0'],
  ['Do the watches miss anything?', 'increase(heliograph_audit_found_total[1d]) > 0'],
]

export function metricsPage(): string {
  const questions = table(
    ['question', 'expression'],
    QUESTIONS.map(([question, answer]) => [question, code(answer)]),
  )
  return page(
    'Metrics',
    INTRODUCTION,
    '## First questions',
    questions,
    '## All metrics',
    ...METRIC_NAMES.flatMap(section),
  )
}

function section(name: MetricName): readonly string[] {
  const row: MetricRow = METRICS[name]
  const labels = Object.entries(row.labels).map(([label, values]) => `label ${code(label)}: ${shown(values)}`)
  const buckets = row.buckets === undefined ? [] : [`buckets: ${row.buckets.join(', ')}`]
  return [`### ${name}`, row.help, bullets([row.kind, ...labels, ...buckets, `worry: ${row.worry}`])]
}

function shown(values: LabelValues): string {
  return typeof values === 'string' ? values : values.map(code).join(', ')
}
