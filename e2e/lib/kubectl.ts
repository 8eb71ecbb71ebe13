/** Edits a cluster as its users do: by kubectl itself. */

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

import { kubectlCommand } from '../control-plane/tools.ts'

/** Runs kubectl with `input` on standard input and answers its standard output; rejects with its words when it fails. */
export async function kubectl(kubeconfig: string, args: readonly string[], input = ''): Promise<string> {
  const [program = '', ...first] = await kubectlCommand()
  const child = spawn(program, [...first, '--kubeconfig', kubeconfig, ...args], { stdio: 'pipe' })
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  const [code, out, said] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${said.trim()}`)
  return out
}
