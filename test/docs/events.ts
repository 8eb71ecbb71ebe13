/** Makes docs/events.md: every Event that people may see, where it lies, and what to do next. */

import { NOTICES, NOTICE_CODES } from '../../src/core/notices.ts'
import type { NoticeEntry, NoticeSide } from '../../src/core/notices.ts'
import { NAMESPACE_RATE, OVERALL_RATE, REPEAT_MS } from '../../src/ops/events.ts'
import { code, page, paragraph, table } from './markdown.ts'

const SIDES: Readonly<Record<NoticeSide, readonly [title: string, words: string]>> = {
  origin: [
    'On an origin',
    'Its owner learns how many targets stand in the way, never which, nor why a target said no.',
  ],
  mirror: ['On a mirror, or on the object in its way', 'Told in the receiving namespace.'],
  'pull mirror': [
    'On a pull mirror',
    'An origin that is absent, one that offers nothing and one that does not allow this namespace look the same to whoever asks.',
  ],
  namespace: [
    'On a Namespace',
    'The Event lies within the Namespace: `kubectl get events --namespace NAME`.',
  ],
  controller: ['On what belongs to the controller', 'In the controller’s own namespace.'],
}

const INTRODUCTION = paragraph(`
  Heliograph tells people by Events beside the object that they are about; the same sentences are in its log, under the message \`told\`.
  The reason of an Event is its code below. Sentences are filled from names, counts and fixed reasons: no Event, log line or metric ever holds a value,
  nor a parser’s message, which could quote one. Only the leader tells.
`)

const RATES = paragraph(`
  The same sentence about the same object is told at once and then at most once in ${REPEAT_MS / 60_000} minutes, with its count rising. A namespace gets
  ${NAMESPACE_RATE.burst} Events at once and ${NAMESPACE_RATE.perSecond} a second after, all together ${OVERALL_RATE.burst} and ${OVERALL_RATE.perSecond};
  others wait. What cannot be stored is dropped and counted in \`heliograph_events_dropped_total\`. Kubernetes itself forgets Events after an hour.
`)

export function eventsPage(): string {
  const sections = (Object.keys(SIDES) as NoticeSide[]).flatMap((side) => {
    const [title, words] = SIDES[side]
    const codes = NOTICE_CODES.filter((each) => NOTICES[each].about === side)
    const rows = codes.map((each) => {
      const entry: NoticeEntry = NOTICES[each]
      return [code(each), entry.type, entry.sentence, entry.nextStep]
    })
    return [`## ${title}`, words, table(['code', 'type', 'sentence', 'what to do'], rows)]
  })
  return page('Events', INTRODUCTION, RATES, ...sections)
}
