/** Reads a Prometheus page as far as tests need it: samples by name and labels. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metrics {
  readonly text: string
  readonly samples: readonly Sample[]
  /** The sum over all samples of `name` that carry these labels; 0 when there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
}

export function parseMetrics(text: string): Metrics {
  const samples = text.split('\n').flatMap(parseSample)
  return {
    text,
    samples,
    sum(name, labels = {}) {
      const wanted = Object.entries(labels)
      const fits = (sample: Sample): boolean =>
        sample.name === name && wanted.every(([label, value]) => sample.labels[label] === value)
      return samples.filter(fits).reduce((total, { value }) => total + value, 0)
    },
  }
}

function parseSample(line: string): readonly Sample[] {
  const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? []
  if (name === undefined || value === undefined) return []
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)]
  return [
    {
      name,
      labels: Object.fromEntries(
        pairs.map(([, label = '', quoted = '']) => [label, quoted.replaceAll(/\\(["\\])/g, '$1')]),
      ),
      value: Number(value.replace('+Inf', 'Infinity')),
    },
  ]
}
