/** The readable form of a log line: time, level, message, then the fields as `name=value`. */

const HIDDEN = new Set(['time', 'level', 'msg', 'stack'])
const PLAIN = /^[\w./:@+-]+$/

/** `json` is one line as the JSON format has it; the answer ends with a newline and holds no control character but those of a stack. */
export function textLine(json: string): string {
  const line = JSON.parse(json) as Readonly<Record<string, unknown>>
  const { time, level, msg, stack } = line
  const fields = Object.entries(line).flatMap(([name, value]) =>
    HIDDEN.has(name) ? [] : [`${name}=${shown(value)}`],
  )
  // The time of day suffices where somebody looks on.
  const clock = String(time).slice(11, 23)
  const head = [clock, String(level).toUpperCase().padEnd(5), String(msg), ...fields].join(' ')
  return typeof stack === 'string' ? `${head}\n${stack}\n` : `${head}\n`
}

/** Quoted unless it is one plain word, so that a name cannot pass for another field. */
function shown(value: unknown): string {
  return typeof value === 'string' && PLAIN.test(value) ? value : JSON.stringify(value)
}
