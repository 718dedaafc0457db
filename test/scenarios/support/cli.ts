import { join } from 'node:path';
import { runCli } from '../../../agent/cli.ts';
import type { Instrument } from '../../../agent/compose.ts';
import { socketSystemctl } from '../../crash/socket-systemctl.ts';
import { expectDocumented } from './documented.ts';
import type { Site } from './site.ts';

export type Said = { code: number; stdout: string; stderr: string };

// Each verb that can be stopped listens for SIGTERM, and many run in this one process.
process.setMaxListeners(0);

/** Runs the command line on a node, in this process and on the node's simulated clock. */
export async function cli(
  site: Site,
  argv: readonly string[],
  instrument: Instrument = {},
  stdin = '',
  env: NodeJS.ProcessEnv = {},
): Promise<Said> {
  const { node, clock } = site;
  const [verb = '', ...options] = argv;
  const said = { stdout: '', stderr: '' };
  const code = await runCli(
    {
      argv: [verb, '--root', node.root, ...options],
      env,
      pid: process.pid,
      stdin: async () => await Promise.resolve(stdin),
      stdout: { write: (text) => (said.stdout += text) },
      stderr: { write: (text) => (said.stderr += text) },
    },
    {
      clock: () => clock,
      systemctl: () => socketSystemctl(join(node.root, 'run/units.sock')),
      ...instrument,
    },
  );
  if (argv.includes('--json')) expectDocumented(verb, options, said.stdout);
  return { code, ...said };
}
