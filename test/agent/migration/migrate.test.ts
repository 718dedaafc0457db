import { expect, test } from 'vitest';
import type { Hands } from '../../../agent/hands.ts';
import { carryOutMigration } from '../../../agent/migration/migrate.ts';
import {
  type MigrationStep,
  planMigration,
  planReturn,
  showMigration,
} from '../../../agent/migration/plan.ts';
import { writeRecord } from '../../../src/base/record.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import type { UnitManager, UnitStatus } from '../../../src/services/unit-manager.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { at } from '../../cloud/exchange.ts';
import { NEVER } from '../../src/support/clock.ts';
import { rawDeployment } from '../../src/support/deployments.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { noticesIn } from '../../scenarios/support/notices.ts';

const cloud = await cloudForFile();

const OLD = 'os-collect-config.service';
const NEW = 'coe-agent.service';
const DEPLOYED = '/var/lib/heat-config/deployed';
const LOCAL = '/var/lib/os-collect-config/local-data';

/** Makes a manager of units with the given states, which records its actions in order. */
function fakeManager(units: Map<string, UnitStatus>): { manager: UnitManager; done: string[] } {
  const done: string[] = [];
  const set = (unit: string, change: Partial<UnitStatus>): void => {
    const now = units.get(unit);
    if (now) units.set(unit, { ...now, ...change });
  };
  const note = async (what: string, unit: string): Promise<void> => {
    done.push(`${what} ${unit}`);
    await Promise.resolve();
  };
  return {
    done,
    manager: {
      status: async (unit) => await Promise.resolve(units.get(unit)),
      freeze: async (unit) => await note('freeze', unit),
      thaw: async (unit) => await note('thaw', unit),
      disableNow: async (unit) => {
        set(unit, { active: false, enabled: false });
        await note('disable-now', unit);
      },
      enableAndStart: async (unit) => {
        set(unit, { active: true, enabled: true });
        await note('enable-and-start', unit);
      },
    },
  };
}

type Node = { site: Site; hands: Hands; done: string[]; units: Map<string, UnitStatus> };

const RUNS: UnitStatus = { enabled: true, active: true, masked: false, others: 0 };

/** Makes an idle node with os-collect-config. */
async function setUp(): Promise<Node> {
  const site = await createSite(cloud, { config: { collectors: ['local'] } });
  const units = new Map<string, UnitStatus>([
    [OLD, RUNS],
    [NEW, { ...RUNS, enabled: false, active: false, others: undefined }],
  ]);
  const { manager, done } = fakeManager(units);
  const hands = { ...(await site.start()), unitManager: async () => await Promise.resolve(manager) };
  return { site, hands, done, units };
}

const INI = '[DEFAULT]\ncollectors = local\n[local]\npath = /var/lib/os-collect-config/local-data\n';
const shown = (steps: readonly MigrationStep[]): string[] =>
  steps.map((step) => [step.do, showMigration(step).of].filter(Boolean).join(' '));
const listed = (...ids: string[]): string =>
  JSON.stringify({ deployments: ids.map((id) => rawDeployment({}, { id })) });

test("does not run the predecessor's deployments again, even if its files are gone", async () => {
  const { site, hands, done } = await setUp();
  await site.node.write(`${DEPLOYED}/told.json`, '{}');
  await site.node.write(`${DEPLOYED}/told.notify.json`, '{}');
  await site.node.write(`${DEPLOYED}/untold.json`, '{}');
  const steps = await planMigration(hands, NEVER);
  await carryOutMigration(steps, hands, NEVER);
  expect(done).toEqual([`freeze ${OLD}`, `disable-now ${OLD}`, `enable-and-start ${NEW}`]);
  expect(noticesIn(site.progress)).toEqual(['deployment-unanswered untold']);

  for (const name of ['told.json', 'told.notify.json', 'untold.json'])
    await hands.disk.remove(`${DEPLOYED}/${name}`);
  await site.node.write(`${LOCAL}/all.json`, listed('told', 'untold', 'new'));
  expect((await site.pass()).settled.map(({ id }) => id)).toEqual(['new']);
});

test("replaces and restores the container of Magnum's own nodes like os-collect-config", async () => {
  const { site, hands, done, units } = await setUp();
  const container = 'heat-container-agent.service';
  units.delete(OLD);
  units.set(container, RUNS);
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  expect(done).toEqual([`freeze ${container}`, `disable-now ${container}`, `enable-and-start ${NEW}`]);
  done.length = 0;
  const again = { ...(await site.start()), unitManager: hands.unitManager };
  await carryOutMigration(await planReturn(again, NEVER), again, NEVER);
  expect(done).toEqual([`disable-now ${NEW}`, `enable-and-start ${container}`]);
});

test('leaves a masked and stopped predecessor as it is, also on the way back', async () => {
  const { site, hands, done, units } = await setUp();
  units.set(OLD, { ...RUNS, enabled: false, active: false, masked: true });
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  const again = { ...(await site.start()), unitManager: hands.unitManager };
  await carryOutMigration(await planReturn(again, NEVER), again, NEVER);
  expect(done).toEqual([`enable-and-start ${NEW}`, `disable-now ${NEW}`]);
});

test('replaces a running predecessor that is masked, and does not restore it', async () => {
  const { site, hands, done, units } = await setUp();
  units.set(OLD, { ...RUNS, enabled: false, masked: true });
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  expect(done).toEqual([`freeze ${OLD}`, `disable-now ${OLD}`, `enable-and-start ${NEW}`]);
  done.length = 0;
  const again = { ...(await site.start()), unitManager: hands.unitManager };
  await carryOutMigration(await planReturn(again, NEVER), again, NEVER);
  expect(done).toEqual([`disable-now ${NEW}`]);
});

test('leaves a predecessor that was masked since as it is on the way back', async () => {
  const { site, hands, done, units } = await setUp();
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  units.set(OLD, { ...RUNS, enabled: false, active: false, masked: true });
  done.length = 0;
  const again = { ...(await site.start()), unitManager: hands.unitManager };
  await carryOutMigration(await planReturn(again, NEVER), again, NEVER);
  expect(done).toEqual([`disable-now ${NEW}`]);
});

test("keeps the predecessor if the agent's unit cannot be started", async () => {
  const { hands, done, units } = await setUp();
  units.set(NEW, { ...RUNS, enabled: false, active: false, masked: true });
  expect(await faultIn(planMigration(hands, NEVER))).toEqual({ code: 'unit', reason: 'unit-masked' });
  expect(done).toEqual([]);
});

test.each([
  [true, [`disable-now ${NEW}`, `enable-and-start ${OLD}`]],
  [false, [`disable-now ${NEW}`]],
])('uses the record of an earlier version for the way back (enabled: %s)', async (enabled, expected) => {
  const { hands, done } = await setUp();
  await writeRecord(hands.disk, '/var/lib/coe-agent/migration', { enabled, config: null });
  await carryOutMigration(await planReturn(hands, NEVER), hands, NEVER);
  expect(done).toEqual(expected);
});

test('prints the same steps in a dry run, and may be repeated', async () => {
  const { site, hands, done } = await setUp();
  expect(shown(await planMigration(hands, NEVER))).toEqual([
    `let-finish ${OLD}`,
    'take-over-ids',
    `disable-now ${OLD}`,
    `enable-and-start ${NEW}`,
  ]);
  expect(done).toEqual([]);
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  for (const id of ['late', 'later']) {
    await site.node.write(`${DEPLOYED}/${id}.json`, '{}');
    await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
    await hands.disk.remove(`${DEPLOYED}/${id}.json`);
  }
  await site.node.write(`${LOCAL}/all.json`, listed('late', 'later'));
  expect((await site.pass()).settled).toEqual([]);
});

test('reports scripts that os-refresh-config ran beside heat-config, because they no longer run', async () => {
  const { site, hands } = await setUp();
  const scripts = '/usr/libexec/os-refresh-config/configure.d';
  const templates = '/usr/libexec/os-apply-config/templates';
  const left = [`${scripts}/50-heat-config-docker-cmd`, `${templates}/etc/mine.conf`];
  const replaced = [
    `${scripts}/20-os-apply-config`,
    `${scripts}/55-heat-config`,
    `${templates}/etc/os-collect-config.conf`,
    `${templates}/var/run/heat-config/heat-config`,
  ];
  for (const path of [...left, ...replaced]) await site.node.write(path, '#!/bin/sh\n', 0o755);
  const steps = await planMigration(hands, NEVER);
  expect(steps.filter((step) => step.do === 'leave')).toEqual(left.map((path) => ({ do: 'leave', path })));
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  for (const path of left) expect(await site.node.read(path)).toBe('#!/bin/sh\n');
});

/** As systemd 252 prints it. */
const ENVIRONMENT =
  'Environment=LANG=C HTTP_PROXY=http://me:word@proxy:3128 "no_proxy=a, b" REQUESTS_CA_BUNDLE=/etc/pki/cloud.crt\n' +
  'EnvironmentFiles=/etc/default/none (ignore_errors=yes)\nEnvironmentFiles=/etc/default/collector (ignore_errors=no)';

const toldOf = (name: string, instead: string): MigrationStep => ({ do: 'tell', unit: OLD, name, instead });

test("names the predecessor's proxy settings, and where to configure them for the agent", async () => {
  const { site, hands, done } = await setUp();
  const said = new Map([[OLD, ENVIRONMENT]]);
  const node: Hands = {
    ...hands,
    unitSettings: async (unit) => await Promise.resolve(settingsOf(said.get(unit) ?? '')),
  };
  const told = async (): Promise<MigrationStep[]> =>
    (await planMigration(node, NEVER)).filter((step) => step.do === 'tell');
  await site.node.write(
    '/etc/default/collector',
    'https_proxy="http://proxy:3129"\nOS_CACERT=\n# HTTP_PROXY=\n',
  );
  const ca = toldOf('REQUESTS_CA_BUNDLE', 'cloud.ca_file: /etc/pki/cloud.crt into /etc/coe-agent/agent.yaml');
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
  const each = proxies.map((name) => toldOf(name, `${name} into /etc/sysconfig/heat-params`));
  expect(await told()).toEqual([...each, ca]);

  // Settings that the agent already has are not reported.
  await site.setParams({ HTTP_PROXY: 'http://proxy:3128', HTTPS_PROXY: '' });
  said.set(NEW, 'Environment=NO_PROXY=a');
  expect(await told()).toEqual([each[1], ca]);
  node.config = { ...node.config, cloud: { ...node.config.cloud, ca_file: '/etc/pki/cloud.crt' } };
  expect(await told()).toEqual([each[1]]);
  await carryOutMigration(await planMigration(node, NEVER), node, NEVER);
  expect(done).toEqual([`freeze ${OLD}`, `disable-now ${OLD}`, `enable-and-start ${NEW}`]);
});

test('waits for a running script, and changes nothing if it does not end', async () => {
  const { hands, done, units } = await setUp();
  units.set(OLD, { ...RUNS, others: 2 });
  const steps = await planMigration(hands, NEVER);
  expect(await faultIn(carryOutMigration(steps, hands, NEVER))).toEqual({
    code: 'not-yet',
    reason: 'still-running',
  });
  expect(done).toEqual([`freeze ${OLD}`, `thaw ${OLD}`]);
  units.set(OLD, { ...RUNS, others: undefined });
  expect(await faultIn(carryOutMigration(steps, hands, NEVER))).toEqual({
    code: 'precondition',
    reason: 'running-unknown',
  });
});

test('writes the configuration once, and removes it on the way back unless it was edited', async () => {
  const { site, hands } = await setUp();
  const config = '/etc/coe-agent/agent.yaml';
  await hands.disk.remove(config);
  await site.node.write('/etc/os-collect-config.conf', INI);
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  expect((await site.files('/etc/coe-agent')).get(config)).toMatchObject({ mode: 0o600 });
  expect((await site.pass()).problems).toEqual([]);
  expect(shown(await planReturn(hands, NEVER))).toContain(`remove-config ${config}`);
  await site.node.write(config, `${await site.node.read(config)}# mine\n`);
  expect(shown(await planReturn(hands, NEVER))).not.toContain(`remove-config ${config}`);
});

test('marks deployments that were done meanwhile as applied for heat-config on the way back', async () => {
  const { site, hands, done } = await setUp();
  await carryOutMigration(await planMigration(hands, NEVER), hands, NEVER);
  await site.node.write(`${LOCAL}/all.json`, listed('one', 'two'));
  await site.pass();
  done.length = 0;
  const again = { ...(await site.start()), unitManager: hands.unitManager };
  await carryOutMigration(await planReturn(again, NEVER), again, NEVER);
  expect(done).toEqual([`disable-now ${NEW}`, `enable-and-start ${OLD}`]);
  for (const id of ['one', 'two']) expect(await site.node.read(`${DEPLOYED}/${id}.json`)).toContain(id);
});

test('reports on the way back if the metadata has changed how to poll', async () => {
  const { site, hands } = await setUp();
  await site.node.configure({ collectors: ['local'] });
  const planned = async (): Promise<MigrationStep[]> => {
    const again = { ...(await site.start()), unitManager: hands.unitManager };
    return (await planReturn(again, NEVER)).filter((step) => step.do === 'mind');
  };
  expect(await planned()).toEqual([]);
  const heat = at(site.cluster.pollerConfig(site.server), 'heat');
  const section = { collectors: ['heat', 'local'], heat };
  await site.node.write(`${LOCAL}/poll.json`, JSON.stringify({ 'os-collect-config': section }));
  await site.pass();
  await site.pass();
  expect(await planned()).toEqual([
    { do: 'mind', polling: expect.stringContaining('polls with heat, local') as unknown },
  ]);
});

test('refuses the way back while an answer is unacknowledged', async () => {
  const { site, hands } = await setUp();
  await site.node.configure({ collectors: ['heat'] });
  await cloud.rotateCa(site.cluster);
  cloud.fault({ service: 'heat', method: 'POST', effect: { kind: 'answer', status: 503 } });
  await site.pass();
  cloud.clearFaults();
  const again = { ...(await site.start()), unitManager: hands.unitManager };
  expect(await faultIn(planReturn(again, NEVER))).toEqual({ code: 'not-yet', reason: 'unacknowledged' });
});

test.each([
  ['', '/var/lib/os-collect-config'],
  ['[DEFAULT]\ncachedir = /srv/cache\n', '/srv/cache'],
])(
  'keeps the last message of a queue that the predecessor has removed from it (%j)',
  async (cachedir, cache) => {
    const { site, hands } = await setUp();
    const config = { ...hands.config, collectors: ['zaqar' as const], zaqar: QUEUE };
    const metadata = listed('queued');
    await site.node.write('/etc/os-collect-config.conf', `${INI}${cachedir}`);
    await site.node.write(`${cache}/zaqar.json`, metadata);
    await carryOutMigration(await planMigration({ ...hands, config }, NEVER), hands, NEVER);
    const record = await site.node.read('/var/lib/coe-agent/zaqar.json');
    expect(JSON.parse(record.split('\n')[0] ?? '')).toMatchObject({ queueId: 'q', text: metadata });
  },
);

const QUEUE = {
  auth_url: 'http://127.0.0.1:1/v3',
  user_id: 'u',
  password: 'a-password',
  project_id: 'p',
  queue_id: 'q',
  use_websockets: false,
};
