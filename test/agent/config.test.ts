import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../agent/config.ts';
import { AgentError } from '../../src/base/errors.ts';
import { agentErrorOf, faultIn } from '../src/support/outcome-of.ts';
import { tempRoot } from '../src/support/temp-root.ts';
import { load, PATH, refusal } from '../scenarios/support/config.ts';

describe('agent.yaml', () => {
  test('may be empty: everything has a default', async () => {
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

  test('matches the example, also with all comments enabled', async () => {
    const example = await readFile('docs/examples/agent.yaml', 'utf8');
    expect((await load({ [PATH]: example })).config.metrics.file).toBeUndefined();
    const whole = example.replaceAll(/^#(?=[a-z]| {2})/gm, '');
    const { config } = await load({ [PATH]: whole });
    expect(config.metrics.file).toBe('/var/lib/prometheus/node-exporter/coe-agent.prom');
    expect(config.heat?.resource_name).toBe('master-0');
    expect(config.notify.command).toBe('/usr/local/sbin/tell-us');
  });

  test.each([
    ['keyz: ec-p256\n', 1, 'keyz'],
    ['# one\nlayout: auto\n\npoll:\n  min_secondz: 3\n', 5, 'poll.min_secondz'],
    ['services:\n  units:\n    etcd: { prot: 1 }\n', 3, 'services.units.etcd.prot'],
    ['heat:\n  trust_id: x\n', 2, 'heat.trust_id'],
    ['services:\n  units:\n    kubelet: {}\n    constructor: { port: 1 }\n', 4, 'services.units.constructor'],
    ['services:\n  units:\n    __proto__: { kubelet: { port: 1 } }\n', 3, 'services.units.__proto__'],
    ['services:\n  units: { toString: {} }\n', 2, 'services.units.toString'],
    ['hasOwnProperty: {}\n', 1, 'hasOwnProperty'],
    ['poll:\n  __proto__: { min_seconds: 3 }\n', 2, 'poll.__proto__'],
  ])('rejects an unknown key with file, line and key: %j', async (text, line, key) => {
    expect(await refusal({ [PATH]: text })).toEqual({ reason: 'unknown-key', source: PATH, line, key });
  });

  test.each([
    ['poll:\n  max_seconds: "30"\n', 2, 'poll.max_seconds'],
    ['\ncollectors: heat\n', 2, 'collectors'],
    ['collectors:\n- heat\n- zaqar2\n', 3, 'collectors.1'],
    ['layout: [auto]\n', 1, 'layout'],
    ['services:\n  units:\n    etcd:\n      port: 70000\n', 4, 'services.units.etcd.port'],
    ['local:\n  path: [relative/path]\n', 2, 'local.path.0'],
    ['poll:\n  min_seconds: 0\n', 2, 'poll.min_seconds'],
    ['heat:\n  password:\n', 2, 'heat.password'],
  ])('rejects an invalid value with file, line and key: %j', async (text, line, key) => {
    expect(await refusal({ [PATH]: text })).toEqual({ reason: 'invalid', source: PATH, line, key });
  });

  test.each([
    ['a: b: c\n', 'syntax', 1],
    ['a: 1\n---\nb: 2\n', 'syntax', 2],
    ['ok: 1\n\tx: 2\n', 'syntax', 2],
    ['a: *nowhere\n', 'syntax', undefined],
    ['- a\n- b\n', 'not-a-map', undefined],
    ['just text\n', 'not-a-map', undefined],
    [
      'a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n',
      'syntax',
      undefined,
    ],
  ])('rejects YAML that is not a map: %j', async (text, reason, line) => {
    expect(await refusal({ [PATH]: text })).toEqual({ reason, source: PATH, line });
  });

  test('must exist if a person named it; the default file may be missing', async () => {
    const named = load(
      { '/etc/os-collect-config.conf': '[DEFAULT]\ncollectors = local\n' },
      { isNamed: true },
    );
    expect(await faultIn(named)).toEqual({ code: 'config', reason: 'file-missing' });
    const { config } = await load({}, { collects: false });
    expect(config).toMatchObject({ collectors: [], sources: [] });
  });

  test.each([
    ['kube-apisever', 'kube-apiserver'],
    ['etc', 'etcd'],
    ['nginx', undefined],
  ])('reports an unknown unit %s with a similar name: %s', async (unit, nearest) => {
    const text = `collectors: [local]\nservices: { units: { kubelet: { port: 1 }, ${unit}: { port: 2 } } }\n`;
    const { unknownUnits } = await load({ [PATH]: text });
    expect(unknownUnits).toEqual([{ unit, nearest }]);
  });

  test('accepts a unit of a custom layout', async () => {
    const own = `name: own
description: d
evidence: { files: [/x] }
roles:
  node:
    authorities: [{ ca: kubernetes, file: /x/ca.crt }]
    certificates:
      - { name: s, ca: kubernetes, subject: [CN=s], certificate_file: /x/s.crt, key_file: /x/s.key, extended_key_usage: [serverAuth] }
    units: [{ unit: registry }]
`;
    const text = 'collectors: [local]\nservices: { units: { registry: { port: 1 } } }\n';
    const { unknownUnits } = await load({ [PATH]: text, '/etc/coe-agent/layouts.d/own.yaml': own });
    expect(unknownUnits).toEqual([]);
  });

  test('merges drop-ins key by key in file-name order, and replaces lists', async () => {
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

  test('rejects a drop-in with its own name and line', async () => {
    const path = '/etc/coe-agent/agent.d/10-a.yaml';
    expect(await refusal({ [PATH]: '', [path]: '\n\nx: 1\n' })).toEqual({
      reason: 'unknown-key',
      source: path,
      line: 3,
      key: 'x',
    });
  });

  test('may spread a section over files, and reports what is missing in the merged result', async () => {
    const half = 'heat: { auth_url: "http://k/v3", user_id: u, project_id: p, stack_id: s/1 }\n';
    const rest = '/etc/coe-agent/agent.d/secret.yaml';
    const { config } = await load({ [PATH]: half, [rest]: 'heat: { password: pw, resource_name: r }\n' });
    expect(config.heat).toMatchObject({ user_id: 'u', password: 'pw' });
    const error = await agentErrorOf(load({ [PATH]: half }));
    expect(error.reason).toBe('incomplete');
    expect(error.message).toContain('heat.password');
  });

  test('rejects a minimum wait above the maximum', async () => {
    expect(await refusal({ [PATH]: 'poll: { min_seconds: 9, max_seconds: 2 }\n' })).toEqual({
      reason: 'intervals-swapped',
    });
  });

  test('accepts any text or rejects it with a message that names the file', async () => {
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
