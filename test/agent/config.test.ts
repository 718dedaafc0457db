import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../../agent/config.ts';
import { translateOsCollectConfig } from '../../agent/config-os-collect.ts';
import { AgentError } from '../../src/base/errors.ts';
import { agentErrorOf, valueOrAgentError } from '../src/support/outcome-of.ts';
import { tempRoot } from '../src/support/temp-root.ts';

const PATH = '/etc/coe-agent/agent.yaml';
const INI = '/etc/os-collect-config.conf';

/** The configuration of a node that has these files. */
async function load(files: Record<string, string>): Promise<{ config: Config; notices: string[] }> {
  const { disk, write } = await tempRoot();
  for (const [path, content] of Object.entries(files)) await write(path, content);
  const notices: string[] = [];
  return { config: await loadConfig(disk, PATH, (text) => notices.push(text)), notices };
}

const refusal = async (files: Record<string, string>): Promise<string> => {
  const error = await agentErrorOf(load(files));
  expect(error.code).toBe('config');
  return error.message;
};

const translate = (text: string): { value: Record<string, unknown>; notices: string[] } => {
  const notices: string[] = [];
  return { value: translateOsCollectConfig(text, (notice) => notices.push(notice)), notices };
};

const poll = (lines: string): unknown => translate(`[DEFAULT]\n${lines}\n`).value['poll'];

describe('agent.yaml', () => {
  test('an empty file is a configuration: everything has a default', async () => {
    const { config } = await load({ [PATH]: '' });
    expect(config).toMatchObject({
      collectors: ['heat', 'local'],
      heat_params: '/etc/sysconfig/heat-params',
      layout: 'auto',
      keys: 'rsa-4096',
      sources: [PATH],
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test.each([
    ['keyz: ec-p256\n', 'line 1: unknown key keyz'],
    ['# one\nlayout: auto\n\npoll:\n  min_secondz: 3\n', 'line 5: unknown key poll.min_secondz'],
    ['services:\n  units:\n    etcd: { prot: 1 }\n', 'line 3: unknown key services.units.etcd.prot'],
    ['heat:\n  trust_id: x\n', 'line 2: unknown key heat.trust_id'],
    [
      'services:\n  units:\n    kubelet: {}\n    constructor: { port: 1 }\n',
      'line 4: unknown key services.units.constructor',
    ],
    [
      'services:\n  units:\n    __proto__: { kubelet: { port: 1 } }\n',
      'line 3: unknown key services.units.__proto__',
    ],
    ['services:\n  units: { toString: {} }\n', 'line 2: unknown key services.units.toString'],
    ['hasOwnProperty: {}\n', 'line 1: unknown key hasOwnProperty'],
    ['poll:\n  __proto__: { min_seconds: 3 }\n', 'line 2: unknown key poll.__proto__'],
  ])('an unknown key is refused with file, line and key: %j', async (text, words) => {
    expect(await refusal({ [PATH]: text })).toBe(`${PATH}: ${words}`);
  });

  test.each([
    ['poll:\n  max_seconds: "30"\n', 'line 2: poll.max_seconds: '],
    ['\ncollectors: heat\n', 'line 2: collectors: '],
    ['collectors:\n- heat\n- zaqar2\n', 'line 3: collectors.1: '],
    ['layout: [auto]\n', 'line 1: layout: '],
    ['services:\n  units:\n    etcd:\n      port: 70000\n', 'line 4: services.units.etcd.port: '],
    ['local:\n  path: [relative/path]\n', 'line 2: local.path.0: '],
    ['poll:\n  min_seconds: 0\n', 'line 2: poll.min_seconds: '],
    ['heat:\n  password:\n', 'line 2: heat.password: '],
  ])('a wrong value is refused with file, line and key: %j', async (text, words) => {
    expect(await refusal({ [PATH]: text })).toContain(`${PATH}: ${words}`);
  });

  test.each([
    ['a: b: c\n', 'line 1'],
    ['ok: 1\n\tx: 2\n', 'line 2'],
    ['a: *nowhere\n', PATH],
    ['- a\n- b\n', 'not a map'],
    ['just text\n', 'not a map'],
    [
      'a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n',
      PATH,
    ],
  ])('what is no YAML map is refused as such: %j', async (text, words) => {
    expect(await refusal({ [PATH]: text })).toContain(words);
  });

  test('drop-ins are merged key by key in the order of their names; lists are replaced', async () => {
    const { config } = await load({
      [PATH]:
        'collectors: [heat]\npoll: { min_seconds: 2, max_seconds: 9 }\nservices:\n  units:\n    etcd: { port: 1 }\n',
      '/etc/coe-agent/agent.d/20-b.yaml': 'poll: { max_seconds: 5 }\nkeys: rsa-2048\n',
      '/etc/coe-agent/agent.d/10-a.yml':
        'keys: ec-p256\ncollectors: [local]\nservices:\n  units:\n    etcd: { host: h }\n',
      '/etc/coe-agent/agent.d/README': 'not: { yaml',
    });
    expect(config).toMatchObject({
      collectors: ['local'],
      poll: { min_seconds: 2, max_seconds: 5 },
      keys: 'rsa-2048',
      services: { units: { etcd: { port: 1, host: 'h' } } },
    });
    expect(config.sources).toEqual([
      PATH,
      '/etc/coe-agent/agent.d/10-a.yml',
      '/etc/coe-agent/agent.d/20-b.yaml',
    ]);
  });

  test('a drop-in is refused by its own name and line', async () => {
    const path = '/etc/coe-agent/agent.d/10-a.yaml';
    expect(await refusal({ [PATH]: '', [path]: '\n\nx: 1\n' })).toBe(`${path}: line 3: unknown key x`);
  });

  test('a section may be spread over files; what nobody gave is missed in the whole', async () => {
    const half = 'heat: { auth_url: "http://k/v3", user_id: u, project_id: p, stack_id: s/1 }\n';
    const rest = '/etc/coe-agent/agent.d/secret.yaml';
    const { config } = await load({ [PATH]: half, [rest]: 'heat: { password: pw, resource_name: r }\n' });
    expect(config.heat).toMatchObject({ user_id: 'u', password: 'pw' });
    expect(await refusal({ [PATH]: half })).toContain('heat.password');
  });

  test('a shortest wait longer than the longest is refused', async () => {
    expect(await refusal({ [PATH]: 'poll: { min_seconds: 9, max_seconds: 2 }\n' })).toContain(
      'poll.min_seconds',
    );
  });

  test('any text is a configuration or refused with a message that names the file', async () => {
    const { disk, write } = await tempRoot();
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'poll:',
        '  min_seconds: 1',
        'heat: {',
        '}',
        '- a',
        'a: &x 1',
        'b: *x',
        'keys: ec-p256',
        '---',
        '? [a]',
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 5 }), async (lines) => {
        await write(PATH, lines.join('\n'));
        try {
          await loadConfig(disk, PATH, () => undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
          expect(error).toMatchObject({ code: 'config', message: expect.stringContaining(PATH) as unknown });
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('os-collect-config.conf', () => {
  test('it is what a node without a configuration of its own goes by', async () => {
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
      collectors: ['heat', 'local'],
      poll: { min_seconds: 1, max_seconds: 20 },
      heat: {
        auth_url: 'http://127.0.0.1:5000/v3/',
        stack_id: 'k3/6443f4ad-a68a-4e63-9173-08d49aa2f2f1',
        region_name: 'RegionOne',
      },
      sources: [INI],
    });
    expect(notices).toEqual([expect.stringContaining('ec2')]);
  });

  test('a configuration of our own is all that counts once there is one', async () => {
    const { config } = await load({ [PATH]: '', [INI]: '[DEFAULT]\ncollectors = local\n' });
    expect(config.collectors).toEqual(['heat', 'local']);
  });

  test('a node with neither is told both names', async () => {
    const message = await refusal({});
    expect(message).toContain(PATH);
    expect(message).toContain(INI);
  });

  // What oslo.config 9 reads from the same lines.
  test.each([
    ['a#b', 'a#b'],
    ['a;b', 'a;b'],
    ['a # b', 'a # b'],
    ['a"b', 'a"b'],
    ['a%b%(x)s', 'a%b%(x)s'],
    ['a=b==', 'a=b=='],
    [String.raw`a\nb\\c`, String.raw`a\nb\\c`],
    ['d^6KrSFL7v1qBv7DV2ip1zO#30*uC^%K', 'd^6KrSFL7v1qBv7DV2ip1zO#30*uC^%K'],
    ['"abc"', 'abc'],
    ["'a b'", 'a b'],
    ['"half', '"half'],
    [`"a'`, `"a'`],
    ['[x]', '[x]'],
    ['true', 'true'],
    ['null', 'null'],
    ['a:b', 'a:b'],
  ])('the password %s arrives as it is', (written, read) => {
    for (const line of [`password = ${written}`, `password=${written}`, `password : ${written}`])
      expect(translate(`[heat]\n${line}\n`).value['heat']).toEqual({ password: read });
  });

  test('any password of printable characters survives', () => {
    const character = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCodePoint(code));
    fc.assert(
      fc.property(fc.string({ unit: character, minLength: 1 }), (password) => {
        fc.pre(!/^["']/.test(password));
        const { value } = translate(
          `[DEFAULT]\n[heat]\nuser_id = u\npassword = ${password}\nproject_id = p\n`,
        );
        expect(value['heat']).toEqual({ user_id: 'u', password, project_id: 'p' });
      }),
    );
  });

  test('sections with the same keys do not disturb each other', () => {
    const { value } = translate(
      '[zaqar]\nauth_url = http://z\npassword = z\n[heat]\nauth_url = http://h\npassword = h\n[cfn]\npath = x\n[local]\npath = /a\n',
    );
    expect(value).toMatchObject({ heat: { auth_url: 'http://h', password: 'h' }, local: { path: ['/a'] } });
  });

  test('of a repeated key the last one counts, and a list may be written in four ways', () => {
    expect(translate('[heat]\npassword = old\npassword = new\n').value['heat']).toEqual({ password: 'new' });
    for (const lines of [
      'collectors=heat\ncollectors=local',
      'collectors = heat,local',
      "collectors = ['heat', 'local']",
      '#\ncollectors: heat, local',
    ])
      expect(translate(`[DEFAULT]\n${lines}\n[heat]\nuser_id = u\n`).value['collectors']).toEqual([
        'heat',
        'local',
      ]);
  });

  test('a queue, and whether its websocket is to be used', async () => {
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

  test('collectors that are not configured are left out, as the predecessor passes over them', () => {
    const { value, notices } = translate('[DEFAULT]\ncollectors = heat\ncollectors = local\n');
    expect(value['collectors']).toEqual(['local']);
    expect(notices).toEqual([expect.stringContaining('heat is not configured')]);
    const unnamed = translate('[DEFAULT]\n[cfn]\nstack_name = s\n');
    expect(unnamed.value['collectors']).toEqual(['heat_local', 'cfn', 'local']);
    expect(unnamed.notices).toEqual([]);
  });

  test("half a section of a collector that is not asked is in nobody's way", () => {
    const { value } = translate('[DEFAULT]\ncollectors = local\n[cfn]\nstack_name = s\n');
    expect(value).toEqual({ collectors: ['local'] });
  });

  test('what Heat writes for POLL_SERVER_CFN is a configuration', async () => {
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

  test('comments are only whole lines', () => {
    const { value } = translate('[heat]\n# password = a\n  ; password = b\npassword = c\n');
    expect(value['heat']).toEqual({ password: 'c' });
  });

  test.each([
    ['an indented line continues a value', 'password = one\n  two\n\tthree', 'one\ntwo\nthree'],
    [
      'also one that looks like a comment or an assignment',
      'password = one\n  # two\n  user_id = u',
      'one\n# two\nuser_id = u',
    ],
    ['quotes are dropped from the first line alone', "password = 'one'\n  'two'", "one\n'two'"],
    ['an empty line ends it', 'password = one\n\n  two', 'one'],
    ['a comment does, too', 'password = one\n# end\n  two', 'one'],
    ['a first line may be empty', 'password =\n  two', '\ntwo'],
    [
      'what stands behind a value is of it, whatever the line ends with',
      'password = one \r\n two \r\n',
      'one\ntwo',
    ],
  ])('as oslo.config has it, %s', (_, lines, password) => {
    expect(translate(`[heat]\n  nothing to continue\n${lines}\n`).value['heat']).toEqual({ password });
  });

  test('a list may be continued', () => {
    const { value } = translate('[DEFAULT]\ncollectors = heat_local,\n    local\n');
    expect(value['collectors']).toEqual(['heat_local', 'local']);
  });

  test('a collector that is not served is left out and told of', () => {
    const { value, notices } = translate('[DEFAULT]\ncollectors=cfn\ncollectors=local\ncollectors=request\n');
    expect(value['collectors']).toContain('local');
    expect(notices.join('\n')).toContain('request');
  });

  test('intervals that are no numbers, or the wrong way round, become sensible ones', () => {
    expect(poll('polling_interval = soon')).toEqual({ min_seconds: 1, max_seconds: 30 });
    expect(poll('polling_interval = 5\nmin_polling_interval = 60')).toEqual({
      min_seconds: 5,
      max_seconds: 5,
    });
    expect(poll('polling_interval = 5\nmin_polling_interval = 2')).toEqual({
      min_seconds: 2,
      max_seconds: 5,
    });
  });

  test('any text is translated', () => {
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
