/** Values that must be seen nowhere: each is searched in every form in which text carries bytes. */

import { createHash } from 'node:crypto'

/** A marker as it could show: itself, in pieces, encoded, escaped, or as a digest that a guess could be tested against. */
interface Form {
  readonly name: string
  readonly text: string
}

/** Long enough that no other text holds it by chance. */
const PIECE_CHARS = 12
const HASHES = ['md5', 'sha1', 'sha256', 'sha512'] as const

/** Where `markers` show in `text`: `marker 2 as base64`; empty where they do not. */
export function findMarkers(text: string, markers: readonly string[]): readonly string[] {
  return markers.flatMap((marker, index) =>
    formsOf(marker)
      .filter((form) => text.includes(form.text))
      .map((form) => `marker ${index} as ${form.name}`),
  )
}

function formsOf(marker: string): readonly Form[] {
  const bytes = Buffer.from(marker)
  const encoded = bytes.toString('base64').replace(/=+$/, '')
  return [
    { name: 'text', text: marker },
    { name: 'its beginning', text: marker.slice(0, PIECE_CHARS) },
    { name: 'its end', text: marker.slice(-PIECE_CHARS) },
    { name: 'base64', text: encoded },
    {
      name: 'base64 twice',
      text: Buffer.from(bytes.toString('base64')).toString('base64').replace(/=+$/, ''),
    },
    { name: 'the beginning of base64', text: encoded.slice(0, PIECE_CHARS) },
    { name: 'base64url', text: bytes.toString('base64url') },
    { name: 'hex', text: bytes.toString('hex') },
    { name: 'a list of bytes', text: [...bytes].join(',') },
    { name: 'a URL’s escape', text: encodeURIComponent(marker) },
    ...HASHES.flatMap((hash) => [
      { name: `${hash} in hex`, text: createHash(hash).update(bytes).digest('hex').slice(0, PIECE_CHARS) },
      {
        name: `${hash} in base64`,
        text: createHash(hash).update(bytes).digest('base64').slice(0, PIECE_CHARS),
      },
    ]),
  ]
}
