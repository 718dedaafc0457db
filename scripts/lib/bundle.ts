import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'rolldown';

/**
 * How Node runs the program. It is idle nearly always and leaves the arithmetic to native code, so that V8 need
 * not keep what its compilers want: a tenth of the memory, and a rotation is no slower.
 */
export const NODE_FLAGS = [
  '--lite-mode',
  // node:ffi (agent/notify.ts, src/base/attributes.ts); the runtime comes with the program and changes with it alone.
  '--disable-warning=ExperimentalWarning',
] as const;

export type Bundle = {
  /** The file to run. */
  program: string;
  /** The files that it was made of. */
  modules: string[];
};

/**
 * The program with everything that it imports, in one folder: what runs on a node, where there are neither
 * modules nor TypeScript. What only a rotation needs stays in files of its own, which are loaded when one starts.
 */
export async function bundle(directory: string): Promise<Bundle> {
  const { output } = await build({
    input: join(import.meta.dirname, '../../agent/main.ts'),
    platform: 'node',
    logLevel: 'warn',
    output: {
      dir: directory,
      format: 'esm',
      minify: true,
      entryFileNames: 'agent.mjs',
      chunkFileNames: '[name]-[hash].mjs',
    },
  });
  const modules = output.flatMap((part) => (part.type === 'chunk' ? Object.keys(part.modules) : []));
  const program = join(directory, 'agent.mjs');
  // A node runs it by the launcher alone, which gives Node its flags.
  await writeFile(program, (await readFile(program, 'utf8')).replace(/^#!.*\n/, ''));
  return { program, modules };
}
