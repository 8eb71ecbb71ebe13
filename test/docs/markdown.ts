/** The few forms of Markdown that the generated pages use. */

/** The first line of every generated page. */
export const GENERATED = '<!-- Generated from the tables in src by `npm run docs`; edit those, not this. -->'

export function page(title: string, ...blocks: readonly string[]): string {
  return `${[GENERATED, `# ${title}`, ...blocks].join('\n\n')}\n`
}

/** A table; a cell may hold any text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

export function code(text: string): string {
  return `\`${text}\``
}

export function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join('\n')
}

/** Without the line breaks that only keep the source within its width. */
export function paragraph(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, ' ')
}

/** A bar parts cells even within a code span. */
function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}
