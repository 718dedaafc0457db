import { execa } from 'execa';
import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';

/** The booted OSTree deployment; both undefined on other hosts. */
export type DeployedOs = { commit: string | undefined; remote: string | undefined };

const QUICK_MS = 30_000;

const Status = v.pipe(
  JsonText,
  v.object({
    deployments: v.array(
      v.object({
        booted: v.optional(v.boolean(), false),
        checksum: v.optional(v.string()),
        origin: v.optional(v.string()),
      }),
    ),
  }),
);

/**
 * Asks rpm-ostree(1) what this host has booted.
 *
 * @param program path of rpm-ostree
 */
export const deployedOs =
  (program: string) =>
  async (abort: AbortSignal): Promise<DeployedOs> => {
    const { exitCode, stdout, code } = await execa(program, ['status', '--json'], {
      reject: false,
      timeout: QUICK_MS,
      cancelSignal: abort,
      stdin: 'ignore',
      env: { NOTIFY_SOCKET: undefined },
    });
    if (abort.aborted) throw new AgentError('aborted', `${program} status: stopped`);
    if (code === 'ENOENT') return { commit: undefined, remote: undefined };
    const status = v.safeParse(Status, stdout);
    if (exitCode !== 0 || !status.success)
      throw new AgentError('precondition', `${program} status: cannot determine the booted deployment`);
    const booted = status.output.deployments.find((one) => one.booted);
    return { commit: booted?.checksum, remote: booted?.origin?.replace(/^ostree:\/\//, '') };
  };
