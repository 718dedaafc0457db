import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Config } from '../../../agent/config.ts';
import { translateOsCollectConfig } from '../../../agent/config/os-collect.ts';
import type { Ignored } from '../../../agent/config/predecessor.ts';
import { agentErrorOf, valueOrAgentError } from '../../src/support/outcome-of.ts';
import { INI, load, PATH, refusal } from '../../scenarios/support/config.ts';

const translate = (text: string): { value: Record<string, unknown>; notices: Ignored[] } => {
  const notices: Ignored[] = [];
  return { value: translateOsCollectConfig(text, (notice) => notices.push(notice)), notices };
};

const poll = (lines: string): unknown => translate(`[DEFAULT]\n${lines}\n`).value['poll'];

const WHOLE_HEAT =
  'auth_url=http://k/v3\nuser_id=u\npassword=p\nproject_id=p\nstack_id=s/1\nresource_name=r\n';

describe('os-collect-config.conf', () => {
  test('configures a node without a configuration of its own', async () => {
    const { config, notices } = await load({
      [INI]: `[DEFAULT]
command = os-refresh-config
collectors = ec2
collectors = heat
collectors = local
polling_interval = 20

[cfn]
metadata_url = http://127.0.0.1:8000/v1/

[heat]
auth_url = http://127.0.0.1:5000/v3/
user_id = u
password = p
project_id = 9be0
stack_id = k3/6443f4ad-a68a-4e63-9173-08d49aa2f2f1
resource_name = node
region_name = RegionOne
`,
    });
    expect(config).toMatchObject({
      collectors: ['ec2', 'heat', 'local'],
      poll: { min_seconds: 1, max_seconds: 20 },
      heat: {
        auth_url: 'http://127.0.0.1:5000/v3/',
        stack_id: 'k3/6443f4ad-a68a-4e63-9173-08d49aa2f2f1',
        region_name: 'RegionOne',
      },
      sources: [INI],
    });
    expect(notices).toEqual([]);
  });

  test('is overridden by single keys of agent.yaml', async () => {
    const drop = '/etc/coe-agent/agent.d/10-a.yaml';
    const { config } = await load({
      [PATH]: 'keys: ec-p256\n',
      [drop]: 'poll: { max_seconds: 9 }\n',
      [INI]: '[DEFAULT]\ncollectors = local\npolling_interval = 20\n',
    });
    expect(config).toMatchObject({
      collectors: ['local'],
      keys: 'ec-p256',
      poll: { min_seconds: 1, max_seconds: 9 },
      sources: [INI, PATH, drop],
    });
  });

  test.each(['collectors: [local]\n', `request: { metadata_url: 'http://k/' }\ncollectors: [request]\n`])(
    'is ignored once agent.yaml says how to poll: %j',
    async (text) => {
      const { config } = await load({ [PATH]: text, [INI]: '[DEFAULT]\npolling_interval = 20\n' });
      expect(config).toMatchObject({ poll: { max_seconds: 30 }, sources: [PATH] });
    },
  );

  test('provides CAs to a verb that does not collect, whatever is wrong with its collectors', async () => {
    const text = '[DEFAULT]\ncollectors = heat\n[cfn]\nca_certificate = /etc/ca.pem\n';
    expect(await refusal({ [INI]: text })).toEqual({ reason: 'no-collector' });
    const { config } = await load({ [INI]: text }, { collects: false });
    expect(config).toMatchObject({ collectors: [], cloud: { ca_file: '/etc/ca.pem' } });
  });

  test('is named together with agent.yaml if both are missing', async () => {
    const { reason, message } = await agentErrorOf(load({}));
    expect(reason).toBe('no-configuration');
    expect(message).toContain(PATH);
    expect(message).toContain(INI);
  });

  test('reads lists in four forms', () => {
    for (const lines of [
      'collectors=heat\ncollectors=local',
      'collectors = heat,local',
      "collectors = ['heat', 'local']",
      '#\ncollectors: heat, local',
    ])
      expect(translate(`[DEFAULT]\n${lines}\n[heat]\n${WHOLE_HEAT}`).value['collectors']).toEqual([
        'heat',
        'local',
      ]);
  });

  test('reads a queue and its use_websockets', async () => {
    const section = 'auth_url=http://k/v3\nuser_id=u\npassword=p\nproject_id=p1\nqueue_id=q\nregion_name=R\n';
    const read = async (more: string): Promise<Config> =>
      (await load({ [INI]: `[DEFAULT]\ncollectors=zaqar\n[zaqar]\n${section}${more}` })).config;
    expect((await read('')).zaqar).toEqual({
      auth_url: 'http://k/v3',
      user_id: 'u',
      password: 'p',
      project_id: 'p1',
      queue_id: 'q',
      region_name: 'R',
      use_websockets: false,
    });
    expect((await read('use_websockets = True\n')).zaqar?.use_websockets).toBe(true);
  });

  test('ignores unconfigured collectors, like the predecessor', () => {
    const { value, notices } = translate('[DEFAULT]\ncollectors = heat\ncollectors = local\n');
    expect(value['collectors']).toEqual(['local']);
    expect(notices).toMatchObject([{ code: 'collector-not-configured', of: 'heat' }]);
    const unnamed = translate(`[DEFAULT]\n[heat]\n${WHOLE_HEAT}`);
    expect(unnamed.value['collectors']).toEqual(['heat_local', 'heat', 'local']);
    expect(unnamed.notices).toEqual([]);
  });

  test.each([
    [
      '[heat]\nauth_url=http://k/v3\nuser_id=u\npassword=p\nproject_id=p\n',
      ['heat.stack_id', 'heat.resource_name'],
    ],
    ['[cfn]\nstack_name=s\npath=a.Metadata\naccess_key_id=a\n', ['cfn.secret_access_key']],
    ['[request]\nmetadata_url=here\n', ['request.metadata_url']],
    ['[zaqar]\nqueue_id=q\nauth_url=a\nuser_id=u\nproject_id=p\n', ['zaqar.password']],
  ])('ignores a collector with an incomplete section, and keeps the others: %j', async (section, keys) => {
    const { value, notices } = translate(`[DEFAULT]\n${section}`);
    expect(value['collectors']).toEqual(['heat_local', 'local']);
    const name = /^\[(\w+)/.exec(section)?.[1] ?? '';
    expect(notices).toMatchObject([{ code: 'collector-faulty', of: name }]);
    const alone = await agentErrorOf(load({ [INI]: `[DEFAULT]\ncollectors=${name}\n${section}` }));
    expect(alone.reason).toBe('no-collector');
    for (const text of [notices[0]?.text, alone.message]) for (const key of keys) expect(text).toContain(key);
  });

  test('ignores an incomplete section of an unused collector', () => {
    const { value } = translate('[DEFAULT]\ncollectors = local\n[cfn]\nstack_name = s\n');
    expect(value).toEqual({ collectors: ['local'] });
  });

  test('accepts what Heat writes for POLL_SERVER_CFN', async () => {
    const { config } = await load({
      [INI]: `[DEFAULT]
collectors = ['cfn', 'local']
[cfn]
metadata_url = http://127.0.0.1:8000/v1/
stack_name = m1
secret_access_key = 81zv0Ed0^WKV%@vy7IeRh8k03#PKLCWJ
access_key_id = bb410738824644b68eb847a4e291752b
path = cfn_node.Metadata
path = other.Metadata.part
`,
    });
    expect(config).toMatchObject({
      collectors: ['cfn', 'local'],
      cfn: {
        metadata_url: 'http://127.0.0.1:8000/v1/',
        stack_name: 'm1',
        path: ['cfn_node.Metadata', 'other.Metadata.part'],
        access_key_id: 'bb410738824644b68eb847a4e291752b',
        secret_access_key: '81zv0Ed0^WKV%@vy7IeRh8k03#PKLCWJ',
      },
    });
  });

  test('continues a list on the next line', () => {
    const { value } = translate('[DEFAULT]\ncollectors = heat_local,\n    local\n');
    expect(value['collectors']).toEqual(['heat_local', 'local']);
  });

  test('ignores and reports an unsupported collector', () => {
    const { value, notices } = translate('[DEFAULT]\ncollectors=cfn\ncollectors=local\ncollectors=request\n');
    expect(value['collectors']).toContain('local');
    expect(notices).toMatchObject([
      { code: 'collector-not-configured', of: 'cfn' },
      { code: 'collector-not-configured', of: 'request' },
    ]);
  });

  test.each([
    ['command = /usr/bin/my-command --all', 'option-without-counterpart', 'command'],
    ['deployment_key = deployments\ndeployment_key = mine', 'option-without-counterpart', 'deployment_key'],
    ['[cfn]\ndeployment_key = mine', 'option-without-counterpart', 'deployment_key'],
    ['min_polling_interval = 60', 'intervals-swapped', 'min_polling_interval'],
  ])(
    "reports an option without a counterpart that changed the predecessor's behaviour: %s",
    (lines, code, of) => {
      expect(translate(`[DEFAULT]\n${lines}\n`).notices).toMatchObject([{ code, of }]);
    },
  );

  test.each([
    'command = os-refresh-config',
    'command=/usr/bin/os-refresh-config --timeout 14400',
    'splay = 30',
    'min_polling_interval = 2',
  ])('does not report an option with a counterpart: %s', (line) => {
    expect(translate(`[DEFAULT]\n${line}\n`).notices).toEqual([]);
  });

  test.each([
    ['os-refresh-config --timeout 14400', 14_400],
    ['/usr/bin/os-refresh-config --log-level DEBUG --timeout=60', 60],
    ['os-refresh-config --timeout 0', 3600],
    ['os-refresh-config', 3600],
  ])('maps %j to what a script may use', async (command, seconds) => {
    const { config } = await load({ [INI]: `[DEFAULT]\ncommand = ${command}\ncollectors = local\n` });
    expect(config.scripts.timeout_seconds).toBe(seconds);
  });

  test('trusts the CAs of its collectors', async () => {
    const { config, notices } = await load({
      [INI]: '[DEFAULT]\ncollectors = local\n[cfn]\nca_certificate = /etc/cloud-ca.pem\n',
    });
    expect(config.cloud.ca_file).toBe('/etc/cloud-ca.pem');
    expect(notices).toEqual([]);
    const two = '[cfn]\nca_certificate = /etc/a.pem\n[zaqar]\nca_file = /etc/b.pem\n';
    expect(translate(two).value['cloud']).toEqual({ ca_file: '/etc/a.pem' });
    expect(translate(two).notices).toMatchObject([{ code: 'second-ca-file', of: '/etc/b.pem' }]);
  });

  test('corrects intervals that are not numbers or in the wrong order', () => {
    expect(poll('polling_interval = soon')).toEqual({ min_seconds: 1, max_seconds: 30 });
    expect(poll('polling_interval = 5\nmin_polling_interval = 60')).toEqual({
      min_seconds: 5,
      max_seconds: 5,
    });
    expect(poll('polling_interval = 5\nmin_polling_interval = 2')).toEqual({
      min_seconds: 2,
      max_seconds: 5,
    });
    expect(poll('splay = 30')).toEqual({ splay_seconds: 30 });
    expect(poll('splay = soon')).toBeUndefined();
  });

  test('translates any text', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '[heat]',
        '[DEFAULT]',
        '[__proto__]',
        '[heat.x]',
        'heat = 1',
        '__proto__ = 2',
        'password = "',
        '[]',
        '=',
        'a[] = 1',
      ),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const value = valueOrAgentError(() => translateOsCollectConfig(lines.join('\n'), () => undefined));
        expect(value).toBeTypeOf('object');
      }),
    );
  });
});
