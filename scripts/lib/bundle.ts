import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'rolldown';

/**
 * Node's flags for the program. It is mostly idle and leaves arithmetic to native code, so V8 needs no memory for its
 * compilers: this saves a tenth of the memory, and a rotation is not slower.
 */
export const NODE_FLAGS = [
  '--lite-mode',
  // For node:ffi (agent/notify.ts, src/base/attributes.ts); the runtime is part of the package and changes only with
  // it.
  '--disable-warning=ExperimentalWarning',
] as const;

export type Bundle = {
  /** The file to run. */
  program: string;
  /** The modules of the bundle. */
  modules: string[];
};

/**
 * Bundles the program with all imports into one folder, for nodes without modules and TypeScript. Code that only a
 * rotation needs stays in separate files, which are loaded when one starts.
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
  // A node runs it only through the launcher, which passes Node its flags.
  await writeFile(program, (await readFile(program, 'utf8')).replace(/^#!.*\n/, ''));
  return { program, modules };
}
