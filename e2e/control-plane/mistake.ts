/** What the person at the keyboard has to put right: one sentence, shown without a stack. */

export class Mistake extends Error {
  override readonly name = 'Mistake'
}

/** Runs a program's main function; a {@link Mistake} is printed as its sentence, anything else with its stack. */
export async function runMain(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main()
  } catch (error) {
    process.stderr.write(`${error instanceof Mistake ? error.message : (error as Error).stack}\n`)
    process.exitCode = 1
  }
}
