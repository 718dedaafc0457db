import { access, chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Hands } from '../../agent/hands.ts';
import { newMemory, pass } from '../../agent/pass.ts';
import { identify, sendKill } from '../../src/hooks/process.ts';
import { logged } from './support/logged.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import type { CustomDeployment } from '../cloud/custom-deployment.ts';
import { at } from '../cloud/exchange.ts';
import { NEVER } from '../src/support/clock.ts';
import { runLoop } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { lastError } from './support/last-error.ts';
import { createSite, type Site } from './support/site.ts';

/** Deployments of groups other than rotations, from Heat's metadata to its signal. */
const cloud = await cloudForFile();

/** Makes a node without certificates and heat-params. */
const plainSite = async (config: Record<string, unknown> = {}): Promise<Site> =>
  await createSite(cloud, { bare: true, config });

/** Sends one deployment and returns the answer to Heat. */
async function answerTo(site: Site, custom: CustomDeployment): Promise<Record<string, unknown>> {
  cloud.deploy(site.cluster, site.server, { group: 'script', ...custom });
  const before = site.signals().length;
  await site.pass();
  const [signal, ...more] = site.signals().slice(before);
  expect(more).toEqual([]);
  return signal?.body ?? {};
}

const inputs = (values: Record<string, [type: string, value: unknown]>): Partial<CustomDeployment> => ({
  inputs: Object.entries(values).map(([name, [type]]) => ({ name, type })),
  values: Object.fromEntries(Object.entries(values).map(([name, [, value]]) => [name, value])),
});

const containing = (text: string): unknown => expect.stringContaining(text);

const runs = async (site: Site): Promise<string[]> =>
  await readdir(join(site.node.root, 'var/lib/coe-agent/runs'));

test('runs a script with its inputs, and sends its outputs, output text and status to Heat', async () => {
  const site = await plainSite();
  const body = await answerTo(site, {
    config: '#!/bin/sh\necho "hello $who"; echo oops >&2; printf 42 >"$heat_outputs_path.answer"',
    outputs: [
      { name: 'answer', type: 'String' },
      { name: 'other', type: 'String' },
    ],
    ...inputs({ who: ['String', 'world'] }),
  });
  expect(body).toEqual({
    answer: '42',
    deploy_stdout: 'hello world\n',
    deploy_stderr: 'oops\n',
    deploy_status_code: 0,
  });
  expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
  expect(await site.ledger()).toMatchObject([{ state: 'signalled', group: 'script' }]);
  expect(await runs(site)).toEqual([]);
});

test("logs a script's output line by line while it runs", async () => {
  const site = await plainSite();
  await answerTo(site, { config: '#!/bin/sh\necho one; echo two; printf three >&2' });
  const output = site.progress.flatMap((event) =>
    event.event === 'output' ? [`${event.stream}: ${event.text}`] : [],
  );
  expect(output.toSorted()).toEqual(['stderr: three', 'stdout: one', 'stdout: two']);
});

test('fails the deployment of a failing script with its status', async () => {
  const site = await plainSite();
  expect(await answerTo(site, { config: '#!/bin/sh\necho no >&2; exit 7' })).toMatchObject({
    deploy_status_code: 7,
    deploy_stderr: 'no\n',
  });
  expect(await cloud.settled(site.cluster)).toMatch(/FAILED|ROLLBACK/);
});

test.each([
  ['without an interpreter line', 'echo hello', 'does not begin with a line like "#!/bin/sh"'],
  ['that is empty', '', 'does not begin with a line like "#!/bin/sh"'],
  [
    'with a missing interpreter',
    '#!/no/such/shell\n',
    'the interpreter in its first line is not on this node',
  ],
  ['with Windows line ends', '#!/bin/sh\r\necho\r\n', 'a carriage return at the end of the line'],
])('rejects a script %s in plain words', async (_, config, words) => {
  const site = await plainSite();
  const body = await answerTo(site, { config });
  expect(body).toMatchObject({ deploy_status_code: 1, deploy_stderr: containing(words) });
  expect(await runs(site).catch(() => [])).toEqual([]);
});

test.each([
  ['a number', { timeout: 0.3 }],
  ['a text', { timeout: '0.3' }],
])('options.timeout (%s) kills a script with its whole process group', async (_, options) => {
  const site = await plainSite({ scripts: { grace_seconds: 0.2 } });
  const body = await answerTo(site, {
    // The script and its child ignore SIGTERM.
    config: `#!/bin/sh\ntrap '' TERM\necho begun\nsleep 600 &\necho $! >'${site.node.root}/child'\nwait; sleep 600`,
    options,
  });
  expect(body).toMatchObject({
    deploy_stdout: 'begun\n',
    deploy_status_code: -9,
  });
  expect(await lastError(site)).toEqual({ code: 'unit', reason: 'run-timeout' });
  const child = Number(await site.node.read('/child'));
  await expect.poll(async () => await identify(child)).toBeUndefined();
});

test('uses the configured time-out without one in the deployment; a script that then exits with 0 has failed nevertheless', async () => {
  const site = await plainSite({ scripts: { timeout_seconds: 0.3 } });
  const body = await answerTo(site, {
    config: "#!/bin/sh\ntrap 'exit 0' TERM\nwhile :; do sleep 0.05; done",
  });
  expect(body).toMatchObject({
    deploy_status_code: 124,
  });
  expect(await lastError(site)).toEqual({ code: 'unit', reason: 'run-timeout' });
});

test.each([0, -1, 'soon', [], '1e3'])('rejects options.timeout %j', async (timeout) => {
  const site = await plainSite();
  expect(await answerTo(site, { config: '#!/bin/sh\n', options: { timeout } })).toMatchObject({
    deploy_status_code: 1,
    deploy_stderr: containing('options.timeout'),
  });
});

test('redacts secret inputs in logs and texts of the answer, but sends an output unchanged', async () => {
  const site = await plainSite();
  const secret = 'correct-horse-battery';
  const body = await answerTo(site, {
    config:
      '#!/bin/sh\necho "the password is $db_password"; echo "$db_password" >&2; printf "db://$db_password" >"$heat_outputs_path.url"',
    outputs: [{ name: 'url', type: 'String' }],
    ...inputs({ db_password: ['String', secret] }),
  });
  expect(body).toMatchObject({
    deploy_stdout: 'the password is ***\n',
    deploy_stderr: '***\n',
    url: `db://${secret}`,
  });
  expect(site.log.filter((line) => line.includes(secret))).toEqual([]);
  const { stdout } = await site.node.agent('status', '--json');
  expect(stdout).not.toContain(secret);
});

const COMPONENT = {
  configs: [
    { actions: ['CREATE'], tool: 'script', config: '#!/bin/sh\necho created' },
    { actions: ['UPDATE', 'RESUME'], tool: 'script', config: '#!/bin/sh\necho changed $deploy_action' },
  ],
};

/** Prints what os-apply-config would read: the files of the variable, or those of the list without it. */
const APPLY_CONFIG = (root: string): string => `#!/bin/sh
cat $(echo "$OS_CONFIG_FILES" | tr : ' ')
cat '${root}/var/lib/os-collect-config/os_config_files.json'
`;

test("gives a hook the pass's own metadata, whatever os-collect-config has left", async () => {
  const site = await createSite(cloud, {
    bare: true,
    config: { collectors: ['heat', 'local'], hooks: { path: ['/srv/hooks'] } },
  });
  const { root, write } = site.node;
  const folder = '/var/lib/os-collect-config';
  await write('/srv/hooks/apply-config', APPLY_CONFIG(root), 0o755);
  await write(`${folder}/os_config_files.json`, '["/stale.json"]');
  await write(`${folder}/heat.json`, '{"stale":true}');
  await write(`${folder}/local-data/site.json`, '{"ntp": "fresh"}');
  const { deploy_stdout: stdout } = await answerTo(site, { group: 'apply-config', name: 'the newest' });
  const paths = ['heat.json', 'site.json.json'].map((name) => join(root, folder, name));
  expect(stdout).toContain('"name": "the newest"');
  expect(stdout).toContain('{"ntp": "fresh"}');
  expect(stdout).toContain(`[${paths.map((path) => JSON.stringify(path)).join(', ')}]`);
  expect(stdout).not.toContain('stale');
  expect(await answerTo(site, { config: '#!/bin/sh\necho "$OS_CONFIG_FILES"' })).toMatchObject({
    deploy_stdout: `${paths.join(':')}\n`,
  });
});

test('runs the part of a component for the action', async () => {
  const site = await plainSite();
  expect(await answerTo(site, { group: 'component', config: COMPONENT })).toMatchObject({
    deploy_stdout: 'changed UPDATE\n',
    deploy_status_code: 0,
  });
});

test('reports a component without a part for the action as done', async () => {
  const site = await plainSite();
  const body = await answerTo(site, { group: 'component', config: COMPONENT, action: 'SUSPEND' });
  expect(body).toMatchObject({
    deploy_stdout: containing('SUSPEND'),
    deploy_status_code: 0,
  });
});

test.each([
  ['not a map', 'text', 'config: expected a map, found a text'],
  ['a part without a tool', { configs: [{ actions: ['UPDATE'], config: '' }] }, 'config.configs.0.tool'],
  [
    'actions that are not a list',
    { configs: [{ actions: 7, tool: 'script', config: '' }] },
    'config.configs.0.actions',
  ],
])('answers a component with %s as failed', async (_, config, words) => {
  const site = await plainSite();
  expect(await answerTo(site, { group: 'component', config })).toMatchObject({
    deploy_status_code: 1,
    deploy_stderr: containing(words),
  });
});

const HOOK =
  '#!/bin/sh\nprintf \'{"deploy_stdout": "%s", "deploy_status_code": 0, "size": %d}\' ran "$(wc -c)"';

test.each(['/usr/libexec/heat-config/hooks', '/var/lib/heat-config/hooks'])(
  'runs a hook in %s for deployments of its group',
  async (directory) => {
    const site = await plainSite();
    await site.node.write(`${directory}/salt`, HOOK, 0o755);
    const body = await answerTo(site, { group: 'salt', outputs: [{ name: 'size', type: 'Number' }] });
    expect(body).toMatchObject({ deploy_stdout: 'ran', deploy_status_code: 0 });
    expect(at(body, 'size')).toBeGreaterThan(200);
  },
);

test("prefers the operator's own directory, the only one for a script hook", async () => {
  const site = await plainSite({ hooks: { path: ['/srv/hooks'] } });
  await site.node.write('/usr/libexec/heat-config/hooks/salt', '#!/bin/sh\necho theirs', 0o755);
  await site.node.write('/usr/libexec/heat-config/hooks/script', '#!/bin/sh\necho theirs', 0o755);
  const script = { group: 'script', config: '#!/bin/sh\necho the script itself' };
  expect(await answerTo(site, { group: 'salt' })).toMatchObject({ deploy_stdout: 'theirs\n' });
  expect(await answerTo(site, script)).toMatchObject({ deploy_stdout: 'the script itself\n' });
  await site.node.write('/srv/hooks/salt', '#!/bin/sh\necho ours', 0o755);
  await site.node.write('/srv/hooks/script', '#!/bin/sh\necho ours', 0o755);
  expect(await answerTo(site, { group: 'salt' })).toMatchObject({ deploy_stdout: 'ours\n' });
  expect(await answerTo(site, script)).toMatchObject({ deploy_stdout: 'ours\n' });
});

test("searches HEAT_CONFIG_HOOKS of the agent's environment before the directories of packages", async () => {
  const env = { HEAT_CONFIG_HOOKS: '/opt/hooks' };
  const site = await createSite(cloud, { bare: true, env });
  await site.node.write('/usr/libexec/heat-config/hooks/salt', '#!/bin/sh\necho theirs', 0o755);
  await site.node.write('/opt/hooks/salt', '#!/bin/sh\necho "$HEAT_CONFIG_HOOKS"', 0o755);
  expect(await answerTo(site, { group: 'salt' })).toMatchObject({ deploy_stdout: '/opt/hooks\n' });
});

test('refuses a hook that others may have written, and reports the reason to Heat', async () => {
  const site = await plainSite();
  const directory = '/usr/libexec/heat-config/hooks';
  const path = join(site.node.root, directory, 'salt');
  await site.node.write(`${directory}/salt`, HOOK, 0o755);
  const refusal = async (): Promise<unknown> => {
    await answerTo(site, { group: 'salt' });
    return (await lastError(site))?.reason;
  };
  await chmod(path, 0o777);
  expect(await refusal()).toBe('hook-untrusted');
  await chmod(path, 0o755);
  await chown(path, 1234, 0);
  expect(await refusal()).toBe('hook-untrusted');
  await chown(path, 0, 0);
  await chmod(join(site.node.root, '/usr/libexec'), 0o777);
  expect(await refusal()).toBe('hook-untrusted');
  await chmod(join(site.node.root, '/usr/libexec'), 0o755);
  await chmod(path, 0o644);
  expect(await refusal()).toBe('hook-not-executable');
  await chmod(path, 0o755);
  expect(await refusal()).toBeUndefined();
});

test('ignores groups without a hook, and records nothing', async () => {
  const site = await plainSite();
  await mkdir(join(site.node.root, '/usr/libexec/heat-config/hooks'), { recursive: true });
  for (const group of ['os-apply-config', 'Heat::Ungrouped', '', '../..'])
    cloud.deploy(site.cluster, site.server, { group });
  const { settled, unserved, problems } = await site.pass();
  expect({ settled, problems }).toEqual({ settled: [], problems: [] });
  // The first two are data for templates, which nothing serves.
  expect(unserved.map(({ group }) => group).toSorted()).toEqual(['', '../..']);
  expect(await site.ledger()).toEqual([]);
});

test('reports a missing hook once, not in every poll', async () => {
  const site = await plainSite({ poll: { min_seconds: 1, max_seconds: 4 } });
  cloud.deploy(site.cluster, site.server, { group: 'puppet' });
  await runLoop(site, {
    times: 6,
    // Another change in between triggers a full look.
    before: (wait) => wait === 3 && cloud.deploy(site.cluster, site.server, { group: 'other' }),
  });
  expect(logged(site.log, 'group-unserved').filter(({ group }) => group === 'puppet')).toHaveLength(1);
});

test('agent plan names the hook to run, without values', async () => {
  const site = await plainSite();
  cloud.deploy(site.cluster, site.server, {
    config: '#!/bin/sh\necho hello',
    options: { timeout: 90 },
    ...inputs({ who: ['String', 'the world as it is'] }),
  });
  const { stdout, code } = await site.node.agent('plan', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    deployments: [
      {
        code: 'run',
        steps: [
          { code: 'run', details: expect.arrayContaining([expect.stringMatching(/\bwho\b/)]) as unknown },
          { code: 'signal' },
        ],
      },
    ],
  });
  expect(stdout).not.toContain('the world as it is');
  expect(await site.ledger()).toEqual([]);
});

test('runs a script again for earlier inputs after a roll-back, unlike a rotation', async () => {
  const site = await plainSite();
  const send = async (which: string): Promise<unknown> => {
    const config = '#!/bin/sh\necho "$which"';
    const custom = { resource: 'same', config, ...inputs({ which: ['String', which] }) };
    return at(await answerTo(site, custom), 'deploy_stdout');
  };
  expect(await send('A')).toBe('A\n');
  expect(await send('B')).toBe('B\n');
  expect(await send('A')).toBe('A\n');
});

test('agent status names the output file of a running script', async () => {
  const site = await plainSite();
  const { id } = cloud.deploy(site.cluster, site.server, {
    group: 'script',
    config: '#!/bin/sh\necho so far\ntouch "$root/begun"\nuntil [ -e "$root/may-end" ]; do sleep 0.02; done',
    ...inputs({ root: ['String', site.node.root] }),
  });
  const passing = site.pass();
  await eventually('the script to begin', async () => await exists(join(site.node.root, 'begun')));
  const { stdout } = await site.node.agent('status');
  await site.node.write('/may-end', '');
  await passing;
  const file = new RegExp(`the run of ${id} is under way; its output is in (\\S+stdout)`).exec(stdout)?.[1];
  expect(file).toMatch(/^\/var\/lib\/coe-agent\/runs\//);
  expect((await site.node.agent('status')).stdout).not.toContain('under way');
});

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** Starts a pass that waits for a script with an unresponsive supervisor, and another script after it. */
async function waitForStopped(
  site: Site,
  hands: Hands,
  abort: AbortSignal,
): Promise<{ ended: Promise<unknown>; supervisor: number }> {
  const script = (resource: string, command: string): string =>
    cloud.deploy(site.cluster, site.server, { resource, group: 'script', config: `#!/bin/sh\n${command}` })
      .id;
  const id = script('10_hanging', 'sleep 600');
  script('20_next', 'echo next');
  const { runs, disk } = hands.runs;
  const ended = pass(hands, newMemory(), abort);
  await eventually('the script runs', async () => (await disk.info(runs.filesOf(id).child)) !== undefined);
  const state = await runs.look(id);
  if (state.is !== 'running') throw new Error(`the run is ${state.is}`);
  process.kill(state.supervisor.pid, 'SIGSTOP');
  onTestFinished(() => {
    sendKill(state.supervisor.pid);
  });
  return { ended, supervisor: state.supervisor.pid };
}

/** The hands after a restart of the program, with one process of this age. */
async function withOverdue(site: Site, overdue: () => number | undefined): Promise<Hands> {
  const hands = await site.start();
  const ageOf: Hands['runs']['ageOf'] = async ({ pid }) =>
    await Promise.resolve(pid === overdue() ? OVERDUE_MS : 0);
  return { ...hands, runs: { ...hands.runs, ageOf } };
}

const SHORT = { scripts: { timeout_seconds: 5, grace_seconds: 1 } };
const OVERDUE_MS = 5000 + 1000 + 60_001;

const expectGivenUp = (site: Site): void => {
  const [first, second] = site.signals().map(({ body }) => body);
  const why = 'its supervisor did not end it within 5 s, and was killed; it is not run again';
  expect(first).toMatchObject({ deploy_status_code: 1, deploy_stderr: containing(why) });
  expect(second).toMatchObject({ deploy_status_code: 0, deploy_stdout: 'next\n' });
};

test('waits for a stopped supervisor only as long as its order allows', async () => {
  const site = await plainSite(SHORT);
  let overdue: number | undefined;
  const { ended, supervisor } = await waitForStopped(site, await withOverdue(site, () => overdue), NEVER);
  overdue = supervisor;
  await ended;
  expectGivenUp(site);
});

test('abandons a run with a stopped supervisor at the next start', async () => {
  const site = await plainSite(SHORT);
  const stop = new AbortController();
  const { ended, supervisor } = await waitForStopped(site, await site.start(), stop.signal);
  stop.abort();
  await expect(ended).rejects.toMatchObject({ code: 'aborted' });
  await pass(await withOverdue(site, () => supervisor), newMemory(), NEVER);
  expectGivenUp(site);
  expect(await runs(site)).toEqual([]);
});
