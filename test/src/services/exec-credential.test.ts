import { existsSync, writeFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { ExecPlugin } from '../../../src/files/kubeconfig-login.ts';
import { type PluginCredential, runExecPlugin } from '../../../src/services/exec-credential.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const CLUSTER = { server: 'https://10.0.0.5:6443', ca: 'the CA\n' };

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coe-exec-'));
  onTestFinished(async () => {
    await rm(folder, { recursive: true, force: true });
  });
});

const V1 = 'client.authentication.k8s.io/v1';

type Changes = Partial<ExecPlugin> & {
  abort?: AbortSignal;
  deadlineMs?: number;
  said?: (line: string) => void;
};

/** Runs a shell script as a plugin. */
async function run(script: string, changes: Changes = {}): Promise<PluginCredential> {
  const { abort = NEVER, deadlineMs, said = () => undefined, ...plugin } = changes;
  const command = join(folder, 'plugin');
  await writeFile(command, `#!/bin/sh\n${script}\n`);
  await chmod(command, 0o700);
  return await runExecPlugin(
    {
      apiVersion: V1,
      command,
      args: [],
      env: [],
      interactiveMode: 'IfAvailable',
      provideClusterInfo: false,
      installHint: '',
      ...plugin,
    },
    {
      cluster: CLUSTER,
      env: { PATH: process.env['PATH'], OF_PERSON: 'p', FOLDER: folder },
      said,
      abort,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    },
  );
}

const credential = (status: Record<string, unknown>, apiVersion = V1): string =>
  `cat <<'END'\n${JSON.stringify({ kind: 'ExecCredential', apiVersion, status })}\nEND`;

test.each([V1, `${V1}beta1`] as const)('takes a token of %s, with its end', async (apiVersion) => {
  const status = { token: 't', expirationTimestamp: '2031-01-02T03:04:05Z' };
  expect(await run(credential(status, apiVersion), { apiVersion })).toEqual({
    token: 't',
    client: undefined,
    expiresAt: Date.UTC(2031, 0, 2, 3, 4, 5),
  });
});

test('takes a certificate with its key', async () => {
  expect(await run(credential({ clientCertificateData: 'c', clientKeyData: 'k' }))).toEqual({
    token: undefined,
    client: { cert: 'c', key: 'k' },
    expiresAt: undefined,
  });
});

// Captured from kubectl 1.32.4.
test('tells the plugin what kubectl tells it', async () => {
  const keep = `printf %s "$KUBERNETES_EXEC_INFO" > "$FOLDER/info"\n${credential({ token: 't' })}`;
  await run(keep);
  expect(await readFile(join(folder, 'info'), 'utf8')).toBe(
    `{"kind":"ExecCredential","apiVersion":"${V1}","spec":{"interactive":false}}`,
  );
  await run(keep, { provideClusterInfo: true });
  expect(await readFile(join(folder, 'info'), 'utf8')).toBe(
    `{"kind":"ExecCredential","apiVersion":"${V1}","spec":{"cluster":{"server":"https://10.0.0.5:6443","certificate-authority-data":"dGhlIENBCg=="},"interactive":false}}`,
  );
});

test("passes arguments unchanged, and its environment over the person's", async () => {
  const script = `printf '%s|' "$@" "$OF_PERSON" "$OWN" > "$FOLDER/seen"\n${credential({ token: 't' })}`;
  await run(script, { args: ['a b', '$(touch x)', ';'], env: [{ name: 'OWN', value: 'o' }] });
  expect(await readFile(join(folder, 'seen'), 'utf8')).toBe('a b|$(touch x)|;|p|o|');
});

test('passes on what the plugin says while it runs', async () => {
  const lines: string[] = [];
  // The plugin goes on when its line has been heard.
  const said = (line: string): void => {
    lines.push(line);
    writeFileSync(join(folder, 'heard'), '');
  };
  const waits = 'until [ -e "$FOLDER/heard" ]; do sleep 0.05; done';
  await run(`echo 'open the page' >&2\n${waits}\n${credential({ token: 't' })}`, { said });
  expect(lines).toEqual(['open the page']);
});

test.each([
  ['that fails', 'echo secret; echo no session >&2; exit 3', 'exec-failed'],
  ['that prints no JSON', 'echo secret', 'exec-answer'],
  ['of another version', credential({ token: 'secret' }, `${V1}beta1`), 'exec-answer'],
  ['without a credential', credential({}), 'exec-answer'],
  ['with a key alone', credential({ clientKeyData: 'secret' }), 'exec-answer'],
  ['that prints without end', 'while :; do echo secret; done', 'exec-failed'],
])('rejects a plugin %s, and does not quote it', async (_, script, reason) => {
  const error = await agentErrorOf(run(script));
  expect(error).toMatchObject({ code: 'usage', reason });
  expect(error.message.includes('secret')).toBe(false);
});

test('shows the hint of a plugin that is not installed', async () => {
  const error = await agentErrorOf(run('', { command: 'coe-no-such-plugin', installHint: 'apt-get it' }));
  expect(error).toMatchObject({ code: 'usage', reason: 'exec-missing' });
  expect(error.message).toContain('apt-get it');
});

/** Leaves a child that keeps the outputs open. */
const HANGS = 'sleep 600 & echo $! > "$FOLDER/child.new" && mv "$FOLDER/child.new" "$FOLDER/child"; wait';

test('ends a plugin with its children at the deadline', async () => {
  const error = await agentErrorOf(run(HANGS, { deadlineMs: 500 }));
  expect(error).toMatchObject({ code: 'usage', reason: 'exec-timeout' });
  const child = (await readFile(join(folder, 'child'), 'utf8')).trim();
  expect(existsSync(`/proc/${child}/exe`)).toBe(false);
});

test('ends a plugin when the person stops', async () => {
  const stop = new AbortController();
  const said = (): void => {
    stop.abort();
  };
  const running = run(`echo waiting >&2; ${HANGS}`, { abort: stop.signal, said });
  expect(await agentErrorOf(running)).toMatchObject({ code: 'aborted' });
});
