import { expect, test } from 'vitest';
import { listeningOfUnit, restartsIn, unitsOf } from '../../../agent/plan/units.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { settingsOf, type UnitSettings } from '../../../src/services/unit-settings.ts';
import { unitPlan } from '../../fakes/generation.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { NEVER } from '../../src/support/clock.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { nodeOf } from '../support/node.ts';

const CONFIG = '/etc/etcd/etcd.conf.yaml';

/** systemd's answer about an etcd with these arguments. */
const etcd = (words: string, more = ''): UnitSettings =>
  settingsOf(
    `ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd ${words} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n${more}`,
  );

type Answer = () => UnitSettings;
const asking = async (answer: Answer, files: Record<string, string> = {}): Promise<TestHands> =>
  await createHands({
    files,
    over: {
      unitSettings: async (unit) => await Promise.resolve(unit === 'etcd' ? answer() : settingsOf('')),
    },
  });

const listening = async (answer: Answer, files?: Record<string, string>) => {
  const { hands, log } = await asking(answer, files);
  const { tls } = await listeningOfUnit('etcd', hands, NEVER);
  return { tls, unasked: logged(log, 'unit-unasked').map(({ unit }) => unit) };
};

test.each<[string, Answer, Record<string, string>?]>([
  ['its command', () => etcd('--listen-client-urls https://10.0.0.7:2390')],
  [
    'a file of its environment, although another file is missing',
    () => etcd('', 'EnvironmentFiles=/none (ignore_errors=yes)\nEnvironmentFiles=/e (ignore_errors=no)'),
    { '/e': 'ETCD_LISTEN_CLIENT_URLS=https://10.0.0.7:2390\n' },
  ],
  [
    'its configuration file',
    () => etcd(`--config-file=${CONFIG}`),
    { [CONFIG]: 'listen-client-urls: https://10.0.0.7:2390\n' },
  ],
])('reads where a unit listens from %s', async (_, answer, files) => {
  expect(await listening(answer, files)).toEqual({ tls: { host: '10.0.0.7', port: 2390 }, unasked: [] });
});

test("takes the layout's values for a unit that starts another program", async () => {
  expect(await listening(() => settingsOf(''))).toEqual({ tls: undefined, unasked: [] });
});

test.each<[string, Answer, Record<string, string>?]>([
  ['whose configuration file is missing', () => etcd(`--config-file=${CONFIG}`)],
  ['whose configuration file is not YAML', () => etcd(`--config-file=${CONFIG}`), { [CONFIG]: '{' }],
  [
    'that systemd does not tell about',
    () => {
      throw new AgentError('unit', 'systemctl show etcd: failed');
    },
  ],
])("takes the layout's values for a unit %s, and logs that", async (_, answer, files) => {
  expect(await listening(answer, files)).toEqual({ tls: undefined, unasked: ['etcd'] });
});

test('stops with the program, and does not hide a bug', async () => {
  const stopped = listening(() => {
    throw new AgentError('aborted', 'stopped');
  });
  expect(await agentErrorOf(stopped)).toMatchObject({ code: 'aborted' });
  const bug = listening(() => {
    throw new TypeError('a bug');
  });
  await expect(bug).rejects.toThrow(TypeError);
});

test("lists the layout's units in their order, with their own addresses and the operator's over them", async () => {
  const { hands } = await asking(() => etcd('--listen-client-urls https://10.0.0.7:2390'));
  const node = nodeOf('master');
  const own = await unitsOf(node, hands, NEVER);
  expect(own.map(({ name }) => name)).toEqual(node.layout.units.map(({ unit }) => unit));
  expect(own.find(({ name }) => name === 'etcd')?.probe).toMatchObject({ host: '10.0.0.7', port: 2390 });
  const services = { ...hands.config.services, units: { etcd: { port: 1 } } };
  const config = { ...hands.config, services };
  const [changed] = await unitsOf(node, { ...hands, config }, NEVER);
  expect(changed).toMatchObject({ name: 'etcd', probe: { host: '10.0.0.7', port: 1 } });
});

test.each([
  ['trust', { keepsIdentity: true }],
  ['reissue', {}],
  ['retire', { countsHeld: true }],
  ['all', {}],
  [undefined, {}],
] as const)('the restarts of %s prove and report %j', (phase, over) => {
  expect(restartsIn(phase, [unitPlan('a'), unitPlan('b')])).toEqual([
    unitPlan('a', over),
    unitPlan('b', over),
  ]);
});
