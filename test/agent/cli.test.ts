import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { takeLock } from '../../src/base/lock.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { parseObject } from '../cloud/exchange.ts';
import { cli } from '../scenarios/support/cli.ts';
import { createSite, type Site } from '../scenarios/support/site.ts';

const cloud = await cloudForFile();

const VERBS = ['run', 'run-once', 'plan', 'status', 'certs', 'make-cert', 'doctor', 'rollback'] as const;
const WRITERS = [
  ['run'],
  ['run-once'],
  ['make-cert'],
  ['rollback'],
  ['restart'],
  ['restart', '--workloads'],
  ['revoke', '--crl', import.meta.filename],
  ['credentials', '--from', '-'],
  ['migrate'],
];
const READERS = ['plan', 'status', 'certs', 'doctor'] as const;

/** Parses standard output, which must be one JSON object only. */
function objectOf(stdout: string): Record<string, unknown> {
  const object = parseObject(stdout);
  if (!object) throw new Error(`no JSON object: ${stdout}`);
  return object;
}

const idOf = ({ cluster, server }: Site): string => cluster.stack.deploymentsOn(server)[0]?.id ?? '';

describe('exit code 0', () => {
  test('nothing to do', async () => {
    const site = await createSite(cloud);
    expect(await cli(site, ['run-once'])).toEqual({ code: 0, stdout: 'nothing to do\n', stderr: '' });
  });

  test('a completed rotation: the steps, then what changed, in plain lines', async () => {
    const site = await createSite(cloud);
    await cloud.rotateCa(site.cluster);
    const { code, stdout } = await cli(site, ['run-once']);
    expect(code).toBe(0);
    expect(stdout).toContain(`deployment ${idOf(site)}`);
    for (const part of [
      'log in to Keystone',
      'from Magnum',
      'replace the old files with the new ones',
      'restart kubelet',
    ])
      expect(stdout).toContain(part);
    expect(stdout.slice(stdout.indexOf('changes'))).toContain('/etc/kubernetes/certs/kubelet.crt');
    expect(stdout).not.toContain('\u001B');
    // The last line says what changed, and the duration.
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^✓ deployment \S+: \d+ certificates from the CA [0-9a-f]{64}, \d+ files replaced, in [\d.]+ s$/,
    );
  });

  test.each(['--help', '--version'])('%s prints its answer on standard output', async (option) => {
    const { code, stdout, stderr } = await cli(await createSite(cloud, { bare: true }), ['status', option]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });
});

describe('exit code 1', () => {
  test('a failed deployment, with the reason', async () => {
    const site = await createSite(cloud);
    site.node.units.breakUnit('kubelet', 'is masked');
    await cloud.rotateCa(site.cluster);
    const id = idOf(site);
    const { code, stdout } = await cli(site, ['run-once']);
    expect(code).toBe(1);
    expect(stdout).toContain(`deployment ${id} failed: the unit kubelet is masked`);
  });

  test('a failed deployment, even if the cloud rejects the result', async () => {
    const site = await createSite(cloud);
    site.node.units.breakUnit('kubelet', 'is masked');
    await cloud.rotateCa(site.cluster);
    cloud.fault({ service: 'heat', method: 'POST', effect: { kind: 'answer', status: 500 } });
    onTestFinished(cloud.clearFaults);
    expect((await cli(site, ['run-once'])).code).toBe(1);
  });
});

describe('exit code 2', () => {
  test.each([
    ['an unknown verb', ['rotate']],
    ['an unknown option', ['run-once', '--frce', 'x']],
    ['an option without its value', ['run-once', '--force']],
    ['an unknown log level', ['status', '--log-level', 'loud']],
    ['too many words', ['status', 'now']],
  ] as const)('%s', async (_, argv) => {
    const { code, stderr } = await cli(await createSite(cloud, { bare: true }), argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: /);
  });

  test('unreadable metadata', async () => {
    const site = await createSite(cloud, { bare: true });
    const { code, stderr } = await cli(site, ['run-once', '--metadata', '/nowhere/file.json']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('--metadata: /nowhere/file.json cannot be read'),
    ]);
  });

  // The doctor reports it as a finding, and status beside the daemon.
  const needing = VERBS.filter((verb) => verb !== 'doctor' && verb !== 'status');
  test.each(needing)('%s without a configuration, or with an invalid one', async (verb) => {
    const site = await createSite(cloud, { bare: true });
    await site.node.write('/etc/coe-agent/agent.yaml', 'keyz: rsa-4096\n');
    const faulty = await cli(site, [verb]);
    expect(faulty).toMatchObject({ code: 2, stdout: '' });
    expect(faulty.stderr).toContain('agent.yaml: line 1: unknown key keyz');
    await rm(join(site.node.root, 'etc/coe-agent/agent.yaml'));
    const missing = await cli(site, [verb]);
    if (verb === 'make-cert' || verb === 'certs' || verb === 'rollback') {
      // They collect nothing.
      expect(missing.stderr).not.toContain('configuration');
      return;
    }
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('no configuration');
  });

  test.each(VERBS)('%s with a missing --config', async (verb) => {
    const site = await createSite(cloud, { bare: true });
    const { code, stdout, stderr } = await cli(site, [verb, '--config', '/etc/coe-agent/agent.yml']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('/etc/coe-agent/agent.yml does not exist');
  });

  test.each([
    [['restart', '--unit', '--workloads'], '--unit <name...>'],
    [['run-once', '--force', '--dry-run'], '--force <id>'],
    [['status', '--config', '--log-level=debug'], '--config <file>'],
  ] as const)('%j: an option is not taken as a value of another', async (argv, flags) => {
    const { code, stdout, stderr } = await cli(await createSite(cloud, { bare: true }), argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`${flags}: the value is missing`);
  });

  test.each([
    ['an unknown option', ['status', '--json', '--frce'], 'usage'],
    ['a value that is missing', ['restart', '--json', '--unit', '--workloads'], 'usage'],
    ['no configuration', ['plan', '--json'], 'config'],
    ['two forms of an answer', ['status', '--json', '--check'], 'usage'],
    ['a daemon, which has no answer', ['run', '--json'], 'usage'],
  ] as const)('prints an error as an object with --json: %s', async (_, argv, code) => {
    const site = await createSite(cloud, { bare: true });
    await rm(join(site.node.root, '/etc/coe-agent/agent.yaml'));
    const said = await cli(site, argv);
    expect(said.code).toBe(2);
    expect(objectOf(said.stdout)).toMatchObject({ version: 1, error: { code, kind: 'refused' } });
    expect(said.stderr).not.toBe('');
  });

  test('restart --unit --root X restarts nothing', async () => {
    const site = await createSite(cloud);
    const before = [...site.node.units.restarts];
    const { code, stderr } = await site.node.agent('restart', '--unit');
    expect(code).toBe(2);
    expect(stderr).toContain('--unit <name...>: the value is missing, --root follows');
    expect(site.node.units.restarts).toEqual(before);
  });

  test('make-cert needs neither a collector nor agent.yaml', async () => {
    const site = await createSite(cloud, { bare: true });
    await rm(join(site.node.root, 'etc/coe-agent/agent.yaml'));
    expect(await cli(site, ['make-cert'])).toMatchObject({ code: 0 });
    expect(await cli(site, ['certs'])).toMatchObject({ code: 0 });
  });

  test.each(['make-cert', 'certs'] as const)('%s on a machine that is not a node', async (verb) => {
    const site = await createSite(cloud, { bare: true });
    await rm(join(site.node.root, 'etc/sysconfig/heat-params'));
    const { code, stdout, stderr } = await cli(site, [verb]);
    expect(code).toBe(2);
    expect(stdout + stderr).toContain('/etc/sysconfig/heat-params is missing');
  });
});

describe('exit code 3', () => {
  test('Heat does not answer', async () => {
    const site = await createSite(cloud);
    cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503, body: 'maintenance' } });
    onTestFinished(cloud.clearFaults);
    for (const verb of ['run-once', 'plan', 'doctor']) {
      const { code, stdout } = await cli(site, [verb]);
      expect([verb, code]).toEqual([verb, 3]);
      expect(stdout).toContain('503 maintenance');
    }
  });

  test('Heat rejects the result, which is reported and sent again the next time', async () => {
    const site = await createSite(cloud);
    await cloud.rotateCa(site.cluster);
    cloud.fault({ service: 'heat', method: 'POST', effect: { kind: 'answer', status: 404 } });
    onTestFinished(cloud.clearFaults);
    const { code, stdout } = await cli(site, ['run-once']);
    expect(code).toBe(3);
    expect(stdout).toContain(`the result of ${idOf(site)} is not acknowledged yet`);
    cloud.clearFaults();
    expect((await cli(site, ['run-once'])).code).toBe(0);
    expect(site.signals()).toHaveLength(1);
  });
});

describe('exit code 4', () => {
  test.each(WRITERS)('%s while another run holds the lock; names its pid and verb', async (...argv) => {
    const site = await createSite(cloud, { bare: true });
    await mkdir(join(site.node.root, 'run/coe-agent'), { recursive: true });
    const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run-once', 4711);
    onTestFinished(lock.release);
    const { code, stderr, stdout } = await cli(site, argv, {}, 'trust_id: another');
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toContain('agent run-once (pid 4711)');
  });

  test.each(READERS)('%s is read-only, and needs no lock', async (verb) => {
    const site = await createSite(cloud);
    await mkdir(join(site.node.root, 'run/coe-agent'), { recursive: true });
    const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', 1);
    onTestFinished(lock.release);
    // There was no pass yet, which status reports.
    expect((await cli(site, [verb])).code).toBe(verb === 'status' ? 1 : 0);
  });

  test('has the same code as a separate process, and the lock is free once the holder has ended', async () => {
    const site = await createSite(cloud, { bare: true });
    const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', 1);
    expect(await site.node.agent('run-once')).toMatchObject({ code: 4 });
    await lock.release();
    expect(await site.node.agent('run-once')).toMatchObject({ code: 0, stdout: 'nothing to do\n' });
  });
});

test.each([...READERS, 'run-once', 'make-cert', 'rollback'] as const)(
  '%s --json prints one object',
  async (verb) => {
    const site = await createSite(cloud);
    await cloud.rotateCa(site.cluster);
    const { stdout, code } = await cli(site, [verb, '--json']);
    expect(Object.keys(objectOf(stdout)).length).toBeGreaterThan(0);
    // The rotation waits, and no daemon runs that would perform it.
    expect(code).toBe(verb === 'doctor' || verb === 'status' ? 1 : 0);
  },
);

test.each([['run-once', '--dry-run'], ['plan']])(
  '%s %s prints the plan and changes nothing',
  async (...argv) => {
    const site = await createSite(cloud);
    await cloud.rotateCa(site.cluster);
    const before = await site.files('/');
    const requests = cloud.requests.length;
    const { code, stdout } = await cli(site, argv.filter(Boolean));
    expect(code).toBe(0);
    expect(stdout).toContain(`deployment ${idOf(site)}  coe-rotate`);
    expect(stdout).toContain('1. log in to Keystone');
    expect(stdout).toContain('signal the result to Heat (HEAT_SIGNAL)');
    expect(await site.files('/')).toEqual(before);
    expect(cloud.requests.slice(requests).map(({ service }) => service)).toEqual(['keystone', 'heat']);
  },
);

test('the help of each verb has two examples with valid options, and its exit codes', async () => {
  const site = await createSite(cloud, { bare: true });
  const listed = (await cli(site, ['help'])).stdout;
  const verbs = [...listed.matchAll(/^ {2}([a-z][a-z-]+) \[options\]/gm)].map(([, verb = '']) => verb);
  expect(verbs.length).toBeGreaterThan(12);
  for (const verb of verbs) {
    const [options = '', after = ''] = (await cli(site, [verb, '--help'])).stdout.split('Examples:');
    const examples = after.split('\n').filter((line) => line.includes(`agent ${verb}`));
    expect([verb, examples.length]).toEqual([verb, 2]);
    for (const [option] of examples.join(' ').matchAll(/--[a-z-]+/g))
      expect([verb, options]).toEqual([verb, expect.stringContaining(option)]);
    expect(after).toMatch(/Exit codes:\n {2}0 {2}done/);
  }
});
