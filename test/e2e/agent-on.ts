import { execa } from 'execa';
import { AGENT } from '../fakes/program.ts';
import { asRoot, type Machine } from './machine.ts';

/** Runs the program from its sources, as root, on a machine's file system; with `reject`, it must exit with 0. */
export const agentOn = ({ root }: Machine, args: readonly string[], reject = true) => {
  const [program, ...rest] = [...asRoot, process.execPath, ...AGENT, ...args, '--root', root] as const;
  return execa(program, rest, { stdin: 'ignore', reject });
};
