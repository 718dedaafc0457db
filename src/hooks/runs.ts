import { join } from 'node:path';
import type { Disk } from '../base/disk.ts';
import { codeOf } from '../base/errors.ts';
import { claimRecord, readRecordOf, writeRecord } from '../base/record.ts';
import type { Presence, ProcessIdentity } from './process.ts';
import type { RunRequest } from './request.ts';
import { type Claim, Claim as ClaimSchema, filesOf, Order, Result } from './run-files.ts';

/** The state of a run. */
export type RunState =
  /** It does not exist. */
  | { is: 'none' }
  /** Not begun. Once it is withdrawn, it cannot begin. */
  | { is: 'ordered'; order: Order }
  | { is: 'running'; order: Order; supervisor: ProcessIdentity }
  | { is: 'ended'; order: Order; result: Result }
  /** It has begun, but its result will never be known. */
  | { is: 'lost'; order: Order | undefined; reason: Loss; why: string };

/** Why a result will never be known. */
type Loss = keyof typeof LOSSES | 'run-overdue';

export type Runs = {
  /** Lists the deployments that have a run on disk. */
  list(): Promise<string[]>;
  look(id: string): Promise<RunState>;
  /** Records what to run. @returns the directory for the supervisor */
  order(request: RunRequest, unit: string | undefined): Promise<string>;
  /** Withdraws an order. @returns false if it has begun */
  withdraw(id: string): Promise<boolean>;
  filesOf(id: string): ReturnType<typeof filesOf>;
  remove(id: string): Promise<void>;
};

/**
 * The runs of this node, one directory each. A run begins at most once: the agent and the supervisor it starts agree by
 * a claim that only one of them can create.
 *
 * @param at converts a path of the node to this machine's
 */
export function createRuns(
  directory: string,
  hands: {
    disk: Disk;
    at: (path: string) => string;
    presenceOf: (one: ProcessIdentity) => Promise<Presence>;
    bootId: () => Promise<string>;
  },
): Runs {
  const { disk, at } = hands;
  const directoryOf = (id: string): string => join(directory, id);
  const of = (id: string): ReturnType<typeof filesOf> => filesOf(directoryOf(id));

  const look = async (id: string): Promise<RunState> => {
    const order = await readRecordOf(disk, of(id).order, Order);
    // Without an order, the run cannot have begun.
    if (!order) return { is: 'none' };
    const claim = await readRecordOf(disk, of(id).claim, ClaimSchema);
    if (!claim) return { is: 'ordered', order };
    if (claim.by === 'agent') return { is: 'none' };
    // Even with a result, a run lasts until its supervisor ends, because that may have to kill remaining processes.
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
        boot: await hands.bootId(),
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
      // Removes the order first: files without an order do not count as a run.
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

/** Returns the unit name of a run. */
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
