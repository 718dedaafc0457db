import * as v from 'valibot';
import { within } from '../base/clock.ts';
import { AgentError, errnoOf } from '../base/errors.ts';
import { describeIssues } from '../base/issue.ts';
import { JsonText } from '../base/json.ts';
import type { ExecPlugin } from '../files/kubeconfig-login.ts';

/** Time limit of a plugin, and limit of each of its outputs in characters. */
const DEADLINE_MS = 60_000;
const LARGEST = 2 ** 20;

export type PluginCredential = {
  token: string | undefined;
  client: { cert: string; key: string } | undefined;
  /** Milliseconds since the epoch; undefined: until the API server rejects it. */
  expiresAt: number | undefined;
};

const text = v.optional(v.pipe(v.string(), v.nonEmpty()));
const Status = v.object({
  token: text,
  clientCertificateData: text,
  clientKeyData: text,
  expirationTimestamp: v.nullish(v.pipe(v.string(), v.isoTimestamp())),
});

/** Runs a credential plugin: without a shell, without a terminal, and in a process group of its own. */
export async function runExecPlugin(
  plugin: ExecPlugin,
  {
    cluster,
    env,
    said,
    abort,
    deadlineMs = DEADLINE_MS,
  }: {
    /** The API server, and its CA as PEM. */
    cluster: { server: string; ca: string };
    env: NodeJS.ProcessEnv;
    /** Receives each line of its standard error. */
    said: (line: string) => void;
    abort: AbortSignal;
    deadlineMs?: number;
  },
): Promise<PluginCredential> {
  const { apiVersion, command, args } = plugin;
  const failure = (why: string, reason: string): AgentError =>
    new AgentError('usage', `the credential plugin ${command} ${why}`, { reason });
  const info = {
    kind: 'ExecCredential',
    apiVersion,
    spec: { ...(plugin.provideClusterInfo && { cluster: clusterInfo(cluster) }), interactive: false },
  };
  const own = Object.fromEntries(plugin.env.map(({ name, value }) => [name, value]));
  const { execa } = await import('execa');
  const stdout = await within(deadlineMs, abort, async (limit) => {
    const child = execa(command, args, {
      stdin: 'ignore',
      extendEnv: false,
      env: { ...env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      maxBuffer: LARGEST,
      detached: true,
    });
    limit.addEventListener('abort', () => {
      endGroup(child.pid);
    });
    try {
      const listening = tellLines(child.iterable({ from: 'stderr' }), said);
      const { stdout: printed } = await child;
      await listening;
      return printed;
    } catch (cause) {
      if (abort.aborted) throw new AgentError('aborted', `running ${command}: stopped`, { cause });
      if (limit.aborted) throw failure(`did not end within ${deadlineMs / 1000} s`, 'exec-timeout');
      throw cannotRun(cause, plugin, failure);
    }
  });
  // client-go: the version must be the requested one.
  const Credential = v.pipe(
    JsonText,
    v.object({ kind: v.literal('ExecCredential'), apiVersion: v.literal(apiVersion), status: Status }),
  );
  const parsed = v.safeParse(Credential, stdout);
  // The text may contain the credential.
  if (!parsed.success)
    throw failure(`printed no ${apiVersion}: ${describeIssues(parsed.issues)}`, 'exec-answer');
  const {
    token,
    clientCertificateData: cert,
    clientKeyData: key,
    expirationTimestamp,
  } = parsed.output.status;
  if ((cert === undefined) !== (key === undefined))
    throw failure('returned a certificate without its key, or a key alone', 'exec-answer');
  const client = cert === undefined || key === undefined ? undefined : { cert, key };
  if (token === undefined && !client) throw failure('returned no credential', 'exec-answer');
  return { token, client, expiresAt: expirationTimestamp ? Date.parse(expirationTimestamp) : undefined };
}

const clusterInfo = ({ server, ca }: { server: string; ca: string }) => ({
  server,
  'certificate-authority-data': Buffer.from(ca).toString('base64'),
});

async function tellLines(lines: AsyncIterable<string>, said: (line: string) => void): Promise<void> {
  // A failure of the program is reported by its end.
  try {
    for await (const line of lines) said(line);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

/** Explains why a plugin has no answer. The message of execa quotes the outputs, which may hold a credential. */
function cannotRun(
  cause: unknown,
  { installHint }: ExecPlugin,
  failure: (why: string, reason: string) => AgentError,
): AgentError {
  const hint = installHint === '' ? '' : `; ${installHint.trim()}`;
  if (errnoOf(cause) === 'ENOENT') return failure(`does not exist${hint}`, 'exec-missing');
  if (!(cause instanceof Error)) throw cause;
  if ('isMaxBuffer' in cause && cause.isMaxBuffer === true)
    return failure('prints more than 1 MiB', 'exec-failed');
  if ('exitCode' in cause && typeof cause.exitCode === 'number')
    return failure(`ended with exit code ${cause.exitCode}`, 'exec-failed');
  if ('signal' in cause && typeof cause.signal === 'string')
    return failure(`was ended by ${cause.signal}`, 'exec-failed');
  return failure(`cannot be run: ${errnoOf(cause) ?? cause.name}`, 'exec-failed');
}

/** Ends a plugin and everything that it has started. Otherwise a child could keep its outputs open. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}
