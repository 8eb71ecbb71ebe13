/** Tokens as an API server signs them, unsigned: nobody here verifies one. */

/** A JWT with these claims. */
export function jwt(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`
}
