/** The shipped program: one file with every dependency in it, and its source map beside it. */

import { defineConfig } from 'rolldown'

export default defineConfig({
  input: 'src/main.ts',
  platform: 'node',
  tsconfig: false,
  // Its index pulls in a class for every kind of Kubernetes; none does anything when it is loaded, so what is unused goes.
  treeshake: {
    moduleSideEffects: [{ test: /node_modules\/@kubernetes\/client-node\//, sideEffects: false }],
  },
  output: {
    file: 'dist/heliograph.js',
    format: 'esm',
    codeSplitting: false,
    sourcemap: true,
    comments: false,
  },
})
