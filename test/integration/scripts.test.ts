import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNode, type TestNode } from '../fakes/node.ts';
import { openstack, settledStatus, stackStatus } from './real-cloud.ts';

/** A real Heat sends a script, a component and a deployment for a hook, and makes the stack's outputs of the answers. */

const HOOK = `#!/bin/sh
echo '{"deploy_stdout": "from the hook", "deploy_status_code": 0, "size": "'$(wc -c)'"}'
`;

const SCRIPT = `#!/bin/sh
set -e
printf 'hello %s, %s, %s' "$who" "$count" "$sure" >"$heat_outputs_path.greeting"
printf '%s' "$what" >"$heat_outputs_path.what"
echo said; echo complained >&2
`;

const deployment = (config: string, more: Record<string, unknown> = {}) => ({
  type: 'OS::Heat::SoftwareDeployment',
  properties: {
    server: { get_resource: 'server' },
    config: { get_resource: config },
    signal_transport: 'HEAT_SIGNAL',
    ...more,
  },
});

const TEMPLATE = {
  heat_template_version: 'wallaby',
  parameters: { who: { type: 'string', default: 'world' }, fails: { type: 'string', default: '' } },
  resources: {
    server: {
      type: 'OS::Heat::DeployedServer',
      properties: { name: 'server', software_config_transport: 'POLL_SERVER_HEAT' },
    },
    script_config: {
      type: 'OS::Heat::SoftwareConfig',
      properties: {
        group: 'script',
        inputs: [
          { name: 'who' },
          { name: 'count', type: 'Number', default: 3 },
          { name: 'sure', type: 'Boolean', default: true },
          { name: 'what', type: 'Json', default: { a: [1, 'x'] } },
        ],
        outputs: [{ name: 'greeting' }, { name: 'what' }],
        config: SCRIPT,
      },
    },
    script: deployment('script_config', { input_values: { who: { get_param: 'who' } } }),
    component_config: {
      type: 'OS::Heat::SoftwareComponent',
      properties: {
        inputs: [{ name: 'fails' }],
        configs: [
          { actions: ['CREATE'], tool: 'script', config: '#!/bin/sh\necho created' },
          { actions: ['UPDATE'], tool: 'script', config: '#!/bin/sh\necho updated; test -z "$fails"' },
        ],
      },
    },
    component: deployment('component_config', { input_values: { fails: { get_param: 'fails' } } }),
    hook_config: {
      type: 'OS::Heat::SoftwareConfig',
      properties: { group: 'salt', config: '', outputs: [{ name: 'size' }] },
    },
    hook: deployment('hook_config'),
  },
  outputs: Object.fromEntries(
    [
      ['greeting', 'script', 'greeting'],
      ['what', 'script', 'what'],
      ['stdout', 'script', 'deploy_stdout'],
      ['stderr', 'script', 'deploy_stderr'],
      ['status', 'script', 'deploy_status_code'],
      ['component', 'component', 'deploy_stdout'],
      ['hook', 'hook', 'deploy_stdout'],
      ['size', 'hook', 'size'],
    ].map(([name, resource, attribute]) => [name, { value: { get_attr: [resource, attribute] } }]),
  ) as unknown,
};

const Shown = v.object({
  attributes: v.object({ os_collect_config: v.object({ heat: v.record(v.string(), v.string()) }) }),
});
const Outputs = v.array(v.object({ output_key: v.string(), output_value: v.unknown() }));

const stack = `scripts-${Date.now().toString(36)}`;
let folder: string;
let node: TestNode;
let daemon: ReturnType<TestNode['start']>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coe-stack-'));
  await writeFile(join(folder, 'template.json'), JSON.stringify(TEMPLATE));
  await openstack('stack', 'create', '--template', join(folder, 'template.json'), stack);
  const collectConfig = await settledServer();
  node = await createNode({ role: 'worker', heatParams: {}, collectConfig });
  await node.write('/var/lib/heat-config/hooks/salt', HOOK, 0o755);
  daemon = node.start('run');
});
afterAll(async () => {
  const ended = once(daemon, 'close');
  if (daemon.kill('SIGTERM')) await ended;
  await node.close();
  await openstack('stack', 'delete', '--yes', '--wait', stack);
  await rm(folder, { recursive: true, force: true });
});

/** How the server's agent is to poll, as soon as Heat has made the server. */
async function settledServer(): Promise<{ heat: Record<string, string> }> {
  const status = async (): Promise<string> =>
    await openstack(
      'stack',
      'resource',
      'show',
      stack,
      'server',
      '-f',
      'value',
      '-c',
      'resource_status',
    ).catch(
      // The engine has not written the resource down yet.
      () => 'CREATE_IN_PROGRESS',
    );
  expect(await settledStatus(status)).toBe('CREATE_COMPLETE');
  const shown = await openstack(
    'stack',
    'resource',
    'show',
    stack,
    'server',
    '--with-attr',
    'os_collect_config',
    '-f',
    'json',
  );
  return v.parse(Shown, JSON.parse(shown)).attributes.os_collect_config;
}

async function outputs(): Promise<Record<string, unknown>> {
  const shown = v.parse(
    v.object({ outputs: Outputs }),
    JSON.parse(await openstack('stack', 'show', stack, '-f', 'json', '-c', 'outputs')),
  );
  return Object.fromEntries(shown.outputs.map(({ output_key: name, output_value: value }) => [name, value]));
}

test('the stack is CREATE_COMPLETE, with what the scripts and the hook have answered', async () => {
  expect(await settledStatus(async () => await stackStatus(stack))).toBe('CREATE_COMPLETE');
  const { size, ...rest } = await outputs();
  expect(rest).toEqual({
    greeting: 'hello world, 3, True',
    what: '{"a": [1, "x"]}',
    stdout: 'said\n',
    stderr: 'complained\n',
    status: 0,
    component: 'created\n',
    hook: 'from the hook',
  });
  expect(Number(size)).toBeGreaterThan(200);
});

test('an update runs what has changed, and the part of the component for it', async () => {
  await openstack('stack', 'update', '--existing', '--parameter', 'who=everybody', '--wait', stack);
  expect(await stackStatus(stack)).toBe('UPDATE_COMPLETE');
  expect(await outputs()).toMatchObject({ greeting: 'hello everybody, 3, True' });
});

test('a script that fails fails the stack, and Heat has its status', async () => {
  await openstack('stack', 'update', '--existing', '--parameter', 'fails=yes', stack);
  const status = async (): Promise<string> => await stackStatus(stack);
  expect(await settledStatus(async () => (await status()).replace('UPDATE_COMPLETE', '_IN_PROGRESS'))).toBe(
    'UPDATE_FAILED',
  );
  const reason = await openstack('stack', 'resource', 'show', stack, 'component', '-f', 'json');
  expect(reason).toContain('Deployment exited with non-zero status code: 1');
});
