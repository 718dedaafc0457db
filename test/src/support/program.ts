import { tempRoot } from './temp-root.ts';

/** Makes a program from this shell script, which records its arguments. */
export async function programOf(
  script: string,
  mode = 0o755,
): Promise<{ program: string; args(): Promise<string> }> {
  const { write, at, read } = await tempRoot();
  await write('/bin/program', `#!/bin/sh\necho "$@" >> ${at('/args')}\n${script}\n`, mode);
  return { program: at('/bin/program'), args: async () => await read('/args') };
}
