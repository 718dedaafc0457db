import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawDeployment } from '../src/support/deployments.ts';
import { bundle, NODE_FLAGS } from '../../scripts/lib/bundle.ts';
import { asRoot, type Machine, startMachine } from './machine.ts';

/** Replaces os-collect-config under a real systemd while a deployment that it has started still runs. */

/** The program's folder in the machine, which has no Node of its own. */
const PROGRAM = '/opt/coe-agent';
const DEPLOYED = '/var/lib/heat-config/deployed';
const LOCAL = '/var/lib/os-collect-config/local-data';
const NEW = 'coe-agent';

/** The collector of Magnum's own nodes: in another control group than its unit's, and not a child of its process. */
const CONTAINER = `#!/bin/sh
systemd-run --quiet --scope --unit=container --slice=machine unshare --pid --mount-proc --fork \\
  bash -c 'exec -a os-collect-config sh /usr/local/bin/collector' &
wait
`;

const PREDECESSORS: readonly (readonly [string, readonly string[]])[] = [
  ['os-collect-config', ['ExecStart=/usr/local/bin/os-collect-config /usr/local/bin/collector']],
  [
    'heat-container-agent',
    // A container's init that ignores SIGTERM is killed, as by podman after its time-out.
    ['ExecStart=/usr/local/bin/container', 'ExecStop=systemctl kill --signal=SIGKILL container.scope'],
  ],
];

/**
 * Imitates os-collect-config: its main process waits for its child, which marks a deployment as applied, runs it, and
 * records the answer.
 */
const COLLECTOR = `#!/bin/sh
while :; do
  if [ -e /run/asked ]; then
    rm /run/asked
    sh -c 'echo {} >${DEPLOYED}/begun.json; touch /run/running
           until [ -e /run/may-end ]; do sleep 0.1; done; echo {} >${DEPLOYED}/begun.notify.json'
  fi
  sleep 0.1
done
`;

let machine: Machine;
beforeAll(async () => {
  machine = await startMachine();
  const built = await mkdtemp(join(tmpdir(), 'coe-build-'));
  await bundle(built);
  await execa('cp', [process.execPath, `${built}/node`]);
  const [copy, ...words] = [...asRoot, 'cp', '-r', built, `${machine.root}${PROGRAM}`] as const;
  await execa(copy, words);
  await rm(built, { recursive: true });
  await machine.write('/usr/local/bin/collector', COLLECTOR, '0755');
  await machine.run('cp', '/bin/sh', '/usr/local/bin/os-collect-config');
  await machine.write('/usr/local/bin/container', CONTAINER, '0755');
  await machine.unit(NEW, { Service: ['ExecStart=/bin/sleep infinity'], Install: INSTALL });
  await machine.write(
    '/etc/os-collect-config.conf',
    `[DEFAULT]\ncollectors = local\n[local]\npath = ${LOCAL}\n`,
    '0600',
  );
});
afterAll(async () => {
  await machine?.close();
});

const INSTALL = ['WantedBy=multi-user.target'];

/** Runs within the machine, where control groups show what a unit runs. */
const agent = async (...args: string[]) => {
  const command = [`${PROGRAM}/node`, ...NODE_FLAGS, `${PROGRAM}/agent.mjs`, ...args].join(' ');
  const [stdout, code] = (await machine.run('sh', '-c', `${command} 2>&1; echo "exit $?"`)).split(
    /\n(?=exit \d+$)/,
  );
  return { stdout, code };
};

const statusOf = async (unit: string): Promise<string[]> => [
  await machine.run('sh', '-c', `systemctl is-enabled ${unit}; systemctl is-active ${unit}; true`),
];

const until = async (condition: string): Promise<void> => {
  await machine.run('timeout', '60', 'sh', '-c', `until ${condition}; do sleep 0.05; done`);
};

/** The main process is stopped by a signal: state T. */
const MAIN = "grep -lz '^\\(.*/\\)\\?os-collect-config$' /proc/[0-9]*/cmdline | head -n 1";
const IS_STOPPED = `grep -q '^State:.T' $(dirname $(${MAIN}))/status`;

describe.each(PREDECESSORS)('%s', (unit, service) => {
  beforeAll(async () => {
    await machine.run('mkdir', '-p', DEPLOYED);
    await machine.unit(unit, { Service: service, Install: INSTALL });
    await machine.run('systemctl', 'enable', '--now', unit);
  });
  // The next describe finds the machine in the same state.
  afterAll(async () => {
    await machine.run('systemctl', 'disable', '--now', unit);
    const left = [DEPLOYED, LOCAL, '/var/lib/coe-agent', '/run/running', '/run/may-end'];
    await machine.run('rm', '-r', `/etc/systemd/system/${unit}.service`, ...left);
    await machine.run('systemctl', 'daemon-reload');
  });

  test("lets os-collect-config's running work end before it is stopped, and starts nothing new", async () => {
    await machine.run('touch', '/run/asked');
    await until('[ -e /run/running ]');
    const migrating = agent('migrate');
    await until(IS_STOPPED);
    await machine.run('touch', '/run/asked');
    expect(await statusOf(unit)).toEqual(['enabled\nactive']);
    await machine.run('touch', '/run/may-end');
    const { stdout, code } = await migrating;
    expect(code, stdout).toBe('exit 0');
    expect(stdout).not.toContain('has recorded no result');
    expect(await statusOf(unit)).toEqual(['disabled\ninactive']);
    await until(`systemctl is-active --quiet ${NEW}`);
    expect(await statusOf(NEW)).toEqual(['enabled\nactive']);
    // It would have started again without the stop.
    await machine.run('test', '-e', '/run/asked');
    expect(await machine.run('stat', '-c', '%a', '/etc/coe-agent/agent.yaml')).toBe('600');
  });

  test('does not repeat the deployment that it has applied', async () => {
    await machine.run('rm', '-r', DEPLOYED);
    const deployments = [rawDeployment({}, { id: 'begun' })];
    await machine.write(`${LOCAL}/all.json`, JSON.stringify({ deployments }), '0600');
    expect(await agent('run-once')).toEqual({ stdout: 'nothing to do', code: 'exit 0' });
  });

  test('returns the node', async () => {
    const { stdout, code } = await agent('migrate', '--back');
    expect(code, stdout).toBe('exit 0');
    await until(`systemctl is-active --quiet ${unit}`);
    expect(await statusOf(unit)).toEqual(['enabled\nactive']);
    expect(await statusOf(NEW)).toEqual(['disabled\ninactive']);
    await machine.run('test', '!', '-e', '/etc/coe-agent/agent.yaml');
  });

  test('names a proxy that only os-collect-config uses', async () => {
    const settings =
      '[Service]\nEnvironment=A=b "NO_PROXY=a, b"\nEnvironmentFile=-/none\nEnvironmentFile=/etc/proxy\n';
    await machine.write('/etc/proxy', 'HTTP_PROXY="http://proxy:3128"\n');
    await machine.write(`/run/systemd/system/${unit}.service.d/proxy.conf`, settings);
    await machine.run('systemctl', 'daemon-reload');
    const { stdout = '' } = await agent('migrate', '--dry-run');
    expect(stdout.split('\n').filter((line) => line.includes('environment'))).toEqual(
      ['HTTP_PROXY', 'NO_PROXY'].map(
        (name) =>
          expect.stringContaining(
            `note: the agent does not see ${name} in the environment of ${unit}.service`,
          ) as unknown,
      ),
    );
  });

  test('leaves it masked, there and back', async () => {
    await machine.run('systemctl', 'disable', '--now', unit);
    await machine.run('sh', '-c', `rm /etc/systemd/system/${unit}.service && systemctl mask ${unit}`);
    for (const way of [[], ['--back']]) {
      const { stdout, code } = await agent('migrate', ...way);
      expect(code, stdout).toBe('exit 0');
      expect(await statusOf(unit)).toEqual(['masked\ninactive']);
    }
    expect(await statusOf(NEW)).toEqual(['disabled\ninactive']);
  });
});
