import { once } from 'node:events';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNode, type TestNode } from '../fakes/node.ts';
import { openstack, settledStatus, stackStatus } from './real-cloud.ts';
import { deployment, SERVER, type SoftwareStack, startStack } from './software-stack.ts';

/**
 * A real Heat sends a script, a component and a deployment for a hook, and derives the stack's outputs from the
 * answers.
 */

const HOOK = `#!/bin/sh
echo '{"deploy_stdout": "from the hook", "deploy_status_code": 0, "size": "'$(wc -c)'"}'
`;

const SCRIPT = `#!/bin/sh
set -e
printf 'hello %s, %s, %s' "$who" "$count" "$sure" >"$heat_outputs_path.greeting"
printf '%s' "$what" >"$heat_outputs_path.what"
echo said; echo complained >&2
`;

const TEMPLATE = {
  heat_template_version: 'wallaby',
  parameters: { who: { type: 'string', default: 'world' }, fails: { type: 'string', default: '' } },
  resources: {
    server: SERVER,
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

const Outputs = v.array(v.object({ output_key: v.string(), output_value: v.unknown() }));

let made: SoftwareStack;
let stack: string;
let node: TestNode;
let daemon: ReturnType<TestNode['start']>;
beforeAll(async () => {
  made = await startStack('scripts', TEMPLATE);
  stack = made.name;
  node = await createNode({ role: 'worker', heatParams: {}, collectConfig: made.collectConfig });
  await node.write('/var/lib/heat-config/hooks/salt', HOOK, 0o755);
  daemon = node.start('run');
});
afterAll(async () => {
  const ended = once(daemon, 'close');
  if (daemon.kill('SIGTERM')) await ended;
  await node.close();
  await made.close();
});

async function outputs(): Promise<Record<string, unknown>> {
  const shown = v.parse(
    v.object({ outputs: Outputs }),
    JSON.parse(await openstack('stack', 'show', stack, '-f', 'json', '-c', 'outputs')),
  );
  return Object.fromEntries(shown.outputs.map(({ output_key: name, output_value: value }) => [name, value]));
}

test('the stack is CREATE_COMPLETE, with the answers of the scripts and the hook', async () => {
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

test("an update runs the changed parts, and the component's part for the update", async () => {
  await openstack('stack', 'update', '--existing', '--parameter', 'who=everybody', '--wait', stack);
  expect(await stackStatus(stack)).toBe('UPDATE_COMPLETE');
  expect(await outputs()).toMatchObject({ greeting: 'hello everybody, 3, True' });
});

test('a failing script fails the stack, and Heat has its status', async () => {
  await openstack('stack', 'update', '--existing', '--parameter', 'fails=yes', stack);
  const status = async (): Promise<string> => await stackStatus(stack);
  expect(await settledStatus(async () => (await status()).replace('UPDATE_COMPLETE', '_IN_PROGRESS'))).toBe(
    'UPDATE_FAILED',
  );
  const reason = await openstack('stack', 'resource', 'show', stack, 'component', '-f', 'json');
  expect(reason).toContain('Deployment exited with non-zero status code: 1');
});
