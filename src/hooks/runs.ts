import { join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { codeOf } from '../base/errors.ts';
import { claimRecord, readRecordOf, writeRecord } from '../base/record.ts';
import type { Presence, ProcessIdentity } from './process.ts';
import type { RunRequest } from './request.ts';
import { type Claim, Claim as ClaimSchema, filesOf, Order, Result } from './run-files.ts';

/** What is known of a run. */
export type RunState =
  /** There is none. */
  | { is: 'none' }
  /** Nobody has begun it, and nobody does once it is withdrawn. */
  | { is: 'ordered'; order: Order }
  | { is: 'running'; order: Order; supervisor: ProcessIdentity }
  | { is: 'ended'; order: Order; result: Result }
  /** It has begun, and nobody will ever say how it ended. */
  | { is: 'lost'; order: Order | undefined; reason: Loss; why: string };

/** Why nobody will say how a run ended. */
type Loss = keyof typeof LOSSES | 'run-overdue';

export type Runs = {
  /** The deployments that have a run on the disk. */
  list(): Promise<string[]>;
  look(id: string): Promise<RunState>;
  /** Writes down what is to be run; whoever starts it gets the directory. */
  order(request: RunRequest, unit: string | undefined): Promise<string>;
  /** Takes an order back. @returns false when somebody has begun it */
  withdraw(id: string): Promise<boolean>;
  filesOf(id: string): ReturnType<typeof filesOf>;
  remove(id: string): Promise<void>;
};

/**
 * The runs of this node, a directory for each. A run is begun once at most: the agent and the supervisor that it
 * starts agree on that by a claim, which only one of them can make.
 *
 * @param at this machine's path for one of the node's
 */
export function createRuns(
  directory: string,
  hands: {
    disk: Disk;
    at: (path: string) => string;
    presenceOf: (one: ProcessIdentity) => Promise<Presence>;
  },
): Runs {
  const { disk, at } = hands;
  const directoryOf = (id: string): string => join(directory, id);
  const of = (id: string): ReturnType<typeof filesOf> => filesOf(directoryOf(id));

  const look = async (id: string): Promise<RunState> => {
    const order = await readRecordOf(disk, of(id).order, Order);
    // Without an order nobody can have begun.
    if (!order) return { is: 'none' };
    const claim = await readRecordOf(disk, of(id).claim, ClaimSchema);
    if (!claim) return { is: 'ordered', order };
    if (claim.by === 'agent') return { is: 'none' };
    // Also with a result it is not over before its supervisor is: that may have to end what is left.
    const presence = await hands.presenceOf(claim.supervisor);
    if (presence === 'alive') return { is: 'running', order, supervisor: claim.supervisor };
    const result = await readRecordOf(disk, of(id).result, Result);
    if (result) return { is: 'ended', order, result };
    return { is: 'lost', order, ...lossOf(presence === 'rebooted' ? 'run-rebooted' : 'run-killed') };
  };

  return {
    list: async () => await disk.list(directory),
    look: async (id) => {
      try {
        return await look(id);
      } catch (error) {
        if (codeOf(error) !== 'state') throw error;
        return { is: 'lost', order: undefined, ...lossOf('run-records-damaged') };
      }
    },
    order: async ({ id, run, environment, ...rest }, unit) => {
      await disk.removeTree(directoryOf(id));
      const files = of(id);
      const outputs = join(files.outputs, '..');
      for (const one of [files.work, outputs]) await disk.makeDirectory(one, { mode: 0o700 });
      const program = 'script' in run ? join(files.work, id) : run.program;
      if ('script' in run) await disk.create(program, run.script, { mode: 0o700 });
      else await disk.create(files.stdin, run.stdin, { mode: 0o600 });
      await writeRecord(disk, files.order, {
        ...rest,
        ...('script' in run && run.through ? commandOf(run.through, at(program)) : { program: at(program) }),
        work: at(files.work),
        environment:
          'script' in run ? [...environment, ['heat_outputs_path', at(files.outputs)]] : environment,
        ...('script' in run ? {} : { stdin: at(files.stdin) }),
        ...(unit === undefined ? {} : { unit }),
        reads: 'script' in run ? 'files' : 'json',
      } satisfies Order);
      return at(directoryOf(id));
    },
    withdraw: async (id) => {
      const claim: Claim = { by: 'agent' };
      return await claimRecord(disk, of(id).claim, claim.by, claim);
    },
    filesOf: of,
    remove: async (id) => {
      // Its order first: what is left without one is of no run.
      await disk.remove(of(id).order);
      await disk.removeTree(directoryOf(id));
    },
  };
}

const commandOf = (
  [program = '', ...args]: readonly string[],
  path: string,
): Pick<Order, 'program' | 'args'> => ({
  program,
  args: [...args, path],
});

/** The unit of a run. */
export const unitOf = (id: string): string => `coe-agent-run-${id}.service`;

const LOSSES = {
  'run-rebooted': 'the node was restarted while it ran',
  'run-killed': 'the process that ran it was killed',
  'run-records-damaged': 'its records are damaged',
} as const;

const lossOf = (reason: keyof typeof LOSSES): { reason: Loss; why: string } => ({
  reason,
  why: LOSSES[reason],
});
