import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { parseExactJson } from '../../src/base/exact-json.ts';
import { createSite } from '../scenarios/support/site.ts';

/** Sends the same deployments to the agent and to the predecessor; README.md describes how golden.json was made. */

const Case = v.object({
  name: v.string(),
  group: v.optional(v.string(), 'script'),
  config: v.optional(v.unknown(), ''),
  hook: v.optional(v.string()),
  inputs: v.optional(v.array(v.tuple([v.string(), v.nullable(v.string()), v.unknown()])), []),
  outputs: v.optional(v.array(v.string()), []),
  options: v.optional(v.unknown(), {}),
});
type Case = v.InferOutput<typeof Case>;

type Body = Record<string, unknown>;
const Seen = v.object({ stdin: v.unknown(), signal: v.unknown() });
type Seen = v.InferOutput<typeof Seen>;

const read = (name: string): unknown =>
  parseExactJson(readFileSync(join(import.meta.dirname, name), 'utf8'), `reading ${name}`, 'state');
const cases = v.parse(v.array(Case), read('cases.json'));
const golden = v.parse(v.record(v.string(), Seen), read('golden.json'));

const refused = (words: string): Body => ({
  deploy_stdout: '',
  deploy_stderr: expect.stringContaining(words) as unknown,
  deploy_status_code: 1,
});

/** Intended differences of the agent's answers; README.md gives the reasons under the same names. */
const INTENDED: Record<string, Body> = {
  'a Number input of a script': { deploy_stdout: { n: '3' } },
  'a Boolean input of a script': { deploy_stdout: { b: 'True' } },
  'a null input of a script': { deploy_stdout: { z: 'None' } },
  'an input whose name holds an equals sign': refused('the input "a=b" cannot be an environment variable'),
  'an input that holds a NUL': refused('the input "nul" cannot be an environment variable'),
  'an output with carriage returns': { one: 'a\r\nb' },
  'an output that is no UTF-8': { one: 'a\ufffdb' },
  'a script without a first line': refused('does not begin with a line like "#!/bin/sh"'),
  'an empty script': refused('does not begin with a line like "#!/bin/sh"'),
  'a script whose interpreter is missing': refused('the interpreter in its first line is not on this node'),
  'a component without a part for the action': {
    deploy_stdout: 'the component asks for nothing when the action is DELETE\n',
  },
  "a hook's answer with an output that nobody declared": {},
  'a hook that answers nothing': { deploy_stderr: 'err\n' },
  'a hook that answers with a list': { deploy_stdout: '[1]\n' },
  'a hook that fails after an answer that says nothing of it': {
    one: '1',
    deploy_stderr: 'err\n',
    deploy_status_code: 5,
  },
};

let cloud: Cloud;
let server: Server;
let received: string[] = [];
beforeAll(async () => {
  cloud = await startCloud();
  server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      received.push(await text(request));
      response.end('{}');
    };
    void answer();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.close();
  await cloud.close();
});

const HOOKS = '/srv/hooks';
/** The agent's answer address, which the predecessor was not given. */
const ADDRESS = 'deploy_signal_id';

/** Makes a deployment like capture.py. */
const deploymentOf = ({ group, config, inputs, outputs, options }: Case) => ({
  id: '0a1b2c3d',
  name: 'conformance',
  group,
  creation_time: '2026-11-21T00:00:00Z',
  config,
  inputs: inputs.map(([name, type, value]) => ({ name, value, ...(type === null ? {} : { type }) })),
  outputs: outputs.map((name) => ({ name, type: 'String' })),
  options,
});

async function agentSees(one: Case): Promise<Seen> {
  received = [];
  const site = await createSite(cloud, { bare: true, config: { hooks: { path: [HOOKS] } } });
  if (one.hook !== undefined) await site.node.write(`${HOOKS}/any`, one.hook, 0o755);
  const { port } = v.parse(v.object({ port: v.number() }), server.address());
  const deployment = deploymentOf(one);
  const address = { name: ADDRESS, type: 'String', value: `http://127.0.0.1:${port}/` };
  const deployments = [{ ...deployment, inputs: [...deployment.inputs, address] }];
  await site.pass({ metadata: { source: 'a test', text: JSON.stringify({ deployments }) } });
  const stdin = await site.node.read(`${HOOKS}/any.stdin`).catch(() => undefined);
  const [body] = received;
  return {
    stdin: stdin === undefined ? null : withoutAddress(JSON.parse(stdin)),
    signal: body === undefined ? null : (JSON.parse(body) as unknown),
  };
}

const Deployment = v.looseObject({ inputs: v.array(v.looseObject({ name: v.string() })) });

function withoutAddress(value: unknown): unknown {
  const deployment = v.parse(Deployment, value);
  return { ...deployment, inputs: deployment.inputs.filter(({ name }) => name !== ADDRESS) };
}

const COMPLETE = { deploy_stdout: '', deploy_stderr: '', deploy_status_code: 0 };

/** Returns a complete body. An environment is reduced to the variables of the inputs, without paths of this machine. */
function comparable(signal: unknown, { inputs }: Case): unknown {
  if (!v.is(v.record(v.string(), v.unknown()), signal)) return signal;
  const body: Body = { ...COMPLETE, ...signal };
  if (typeof body['deploy_stdout'] !== 'string' || !body['deploy_stdout'].includes('\0')) return body;
  const names = new Set(inputs.map(([name]) => name));
  const variables = body['deploy_stdout']
    .split('\0')
    .map((variable): [string, string] => [variable.replace(/=.*/s, ''), variable.replace(/^[^=]*=/, '')])
    .filter(([name]) => names.has(name))
    .map(([name, value]) => [name, name === 'heat_outputs_path' ? value !== 'mine' : value]);
  return { ...body, deploy_stdout: Object.fromEntries(variables) as unknown };
}

test.each(cases.map((one) => [one.name, one] as const))('%s', async (name, one) => {
  const then = golden[name];
  if (!then) throw new Error(`there is no golden answer: run capture.py`);
  const now = await agentSees(one);
  const before = comparable(then.signal, one);
  const intended = INTENDED[name];
  expect(now.stdin).toEqual(then.stdin);
  expect(comparable(now.signal, one)).toEqual(intended ? { ...COMPLETE, ...intended } : before);
  // A difference that no longer exists must be removed from the list.
  if (intended) expect(before).not.toEqual({ ...COMPLETE, ...intended });
});

test('lists only existing cases and differences', () => {
  const names = cases.map(({ name }) => name);
  expect(Object.keys(golden)).toEqual(names);
  expect(Object.keys(INTENDED).filter((name) => !names.includes(name))).toEqual([]);
  const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  expect(Object.keys(INTENDED).filter((name) => !readme.includes(name))).toEqual([]);
});
