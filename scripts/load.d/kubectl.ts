import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Attempt } from './clients.ts';
import { readCredentials } from './credentials.ts';
import type { Identity, Target } from './description.ts';
import { failureOfKubectl, type Outcome } from './outcome.ts';
import { TIMEOUT_MS } from './request.ts';

/** How kubectl reaches a target as an identity. */
export type Kubectl = {
  target: Target;
  identity: Identity;
  /** The program with its leading arguments. */
  command: readonly string[];
  isReady(): Promise<boolean>;
};

/** @param folder for its kubeconfig and cache */
export async function createKubectl(
  program: string,
  folder: string,
  target: Target,
  identity: Identity,
): Promise<Kubectl> {
  const home = join(folder, `${identity.name} ${target.name}`.replaceAll(/[^a-z0-9]/gi, '-'));
  await mkdir(home, { recursive: true });
  const config = join(home, 'config');
  await writeFile(
    config,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'load',
      clusters: [
        {
          name: 'load',
          cluster: { server: `https://${target.host}:${target.port}`, 'certificate-authority': identity.ca },
        },
      ],
      contexts: [{ name: 'load', context: { cluster: 'load', user: 'load' } }],
      users: [{ name: 'load', user: { 'client-certificate': identity.cert, 'client-key': identity.key } }],
    }),
  );
  return {
    target,
    identity,
    command: [program, `--kubeconfig=${config}`, `--cache-dir=${join(home, 'cache')}`],
    isReady: async () => (await readCredentials(identity)) !== undefined,
  };
}

/** An environment without proxy and personal configuration. */
export const ENVIRONMENT = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' };

/** Runs a program, which succeeds if it exits with 0. */
export async function runProgram(
  [program = '', ...args]: readonly string[],
  input = '',
  env: Readonly<Record<string, string>> = ENVIRONMENT,
): Promise<Outcome> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'ignore', 'pipe'], timeout: 2 * TIMEOUT_MS });
  child.stdin.on('error', () => undefined).end(input);
  const [code, errors] = await Promise.all([
    new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
    text(child.stderr),
  ]);
  if (code === 0) return undefined;
  return code === null ? { why: 'time-out', detail: args.join(' ') } : failureOfKubectl(errors);
}

/** Unmodified client-go: each attempt is a separate program, and thus a new connection. */
export function kubectlAttempts({ target, identity, command, isReady }: Kubectl): Attempt[] {
  const limit = `--request-timeout=${TIMEOUT_MS / 1000}s`;
  const attempt = (does: string, args: readonly string[], input?: () => string): Attempt => ({
    subject: { client: 'client-go', does, at: target.name, as: identity.name },
    everyMs: 5000,
    make: async () =>
      (await isReady()) ? { outcome: await runProgram([...command, limit, ...args], input?.()) } : undefined,
  });
  const name = `coe-load-kubectl-${identity.name}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-');
  return [
    attempt('read', ['get', 'namespace', 'default']),
    attempt('write', ['apply', '--validate=false', '-f', '-'], () =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'default' },
        data: { value: String(Date.now()) },
      }),
    ),
  ];
}
