import { expect, test } from 'vitest';
import type { Hands } from '../../agent/hands.ts';
import { newMemory, pass, type PassResult } from '../../agent/pass.ts';
import { tellUnrecorded } from '../../agent/pass/answer-without-ledger.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { UnitManager } from '../../src/services/unit-manager.ts';
import { settingsOf } from '../../src/services/unit-settings.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { NEVER } from '../src/support/clock.ts';
import { logged } from './support/logged.ts';
import { CONTAINER_UNIT, createStockSite, type StockSite } from './support/stock.ts';

/** A new node of a stock Magnum, which its user data sets up in heat-container-agent. */
const cloud = await cloudForFile();

const CONTAINER = 'heat-container-agent.service';
const script = (line: string): string => `#!/bin/bash\n${line}\ntouch "\${COE_TEST_ROOT:?}/was-run"\n`;

/** Makes a node with this unit running; `done` records the actions on it. */
function beside(site: StockSite): {
  done: string[];
  hands(): Promise<Hands>;
  pass(): Promise<PassResult>;
  /** Makes the unit impossible to stop from now on. */
  fails(): void;
} {
  const done: string[] = [];
  let isUp = true;
  let isStuck = false;
  const note = async (what: string, unit: string): Promise<void> => {
    done.push(`${what} ${unit}`);
    await Promise.resolve();
  };
  const manager: UnitManager = {
    status: async (unit) =>
      await Promise.resolve(
        unit === CONTAINER ? { enabled: isUp, active: isUp, masked: false, others: 0 } : undefined,
      ),
    freeze: async (unit) => await note('freeze', unit),
    thaw: async (unit) => await note('thaw', unit),
    disableNow: async (unit) => {
      if (isStuck) throw new AgentError('unit', `${unit} cannot be stopped`);
      isUp = false;
      await note('disable-now', unit);
    },
    enableAndStart: async (unit) => await note('enable-and-start', unit),
  };
  const hands = async (): Promise<Hands> => ({
    ...(await site.start()),
    unitManager: async () => await Promise.resolve(manager),
    unitSettings: async (name) => await Promise.resolve(settingsOf(name === CONTAINER ? CONTAINER_UNIT : '')),
  });
  return {
    done,
    hands,
    pass: async () => await pass(await hands(), newMemory(), NEVER),
    fails: () => {
      isStuck = true;
    },
  };
}

/** The deployment that sets up a new master. */
const setUpOf = (site: StockSite): { id: string } =>
  cloud.deploy(site.cluster, site.server, {
    resource: 'master_config_deployment',
    action: 'CREATE',
    config: script('echo "START: write-heat-params"'),
  });

/** Marks a deployment as run and answered by heat-config. */
async function heatConfigAnswers(site: StockSite, id: string): Promise<void> {
  for (const name of [`${id}.json`, `${id}.notify.json`])
    await site.node.write(`/var/lib/heat-config/deployed/${name}`, '{}');
}

const wasRun = async (site: StockSite): Promise<boolean> =>
  [...(await site.files('/')).keys()].some((path) => path.endsWith('/was-run'));

test('does nothing until heat-container-agent has set up the node, and then takes over', async () => {
  const site = await createStockSite(cloud);
  const node = beside(site);
  const creation = setUpOf(site);
  cloud.deploy(site.cluster, site.server, { resource: 'other', config: '#!/bin/sh\necho mine\n' });

  expect(await node.pass()).toMatchObject({ awaits: true, settled: [] });
  expect(node.done).toEqual([]);
  expect(site.signals()).toEqual([]);

  await heatConfigAnswers(site, creation.id);
  // heat-config has started another deployment meanwhile.
  await site.node.write('/var/lib/heat-config/deployed/another.json', '{}');
  expect(await node.pass()).toMatchObject({ awaits: true, settled: [] });
  expect(node.done).toEqual([]);

  await heatConfigAnswers(site, 'another');
  expect(await node.pass()).toMatchObject({ awaits: false, settled: [], pollsOtherwise: true });
  expect(node.done).toEqual([`disable-now ${CONTAINER}`]);
  expect(logged(site.log, 'taken-over')).toHaveLength(1);

  expect((await node.pass()).settled).toMatchObject([{ outcome: { statusCode: 0, stdout: 'mine\n' } }]);
  expect(site.signals().map(({ resource }) => resource)).toEqual(['other']);
  expect(await wasRun(site)).toBe(false);
});

test("runs the cluster's later set-up in the container", async () => {
  const site = await createStockSite(cloud);
  const node = beside(site);
  const creation = setUpOf(site);
  await heatConfigAnswers(site, creation.id);
  await node.pass();
  cloud.deploy(site.cluster, site.server, {
    resource: 'kube_cluster_deploy',
    action: 'CREATE',
    config: script('step="kube-apiserver-to-kubelet-role"'),
  });
  expect((await node.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
  expect(await wasRun(site)).toBe(true);
  expect(await site.node.read('/podman-words')).toContain('heat-container-agent:victoria-stable-1');
});

test('ignores the set-up on a node that never had the container', async () => {
  const site = await createStockSite(cloud);
  setUpOf(site);
  expect(await site.pass()).toMatchObject({ settled: [], unserved: [{ group: 'script' }] });
  expect(site.signals()).toEqual([]);
  expect(await wasRun(site)).toBe(false);
});

test('leaves the node to heat-container-agent if it cannot be stopped, or nothing can be recorded', async () => {
  const site = await createStockSite(cloud);
  const node = beside(site);
  const creation = setUpOf(site);
  const hands = await node.hands();
  const since = hands.clock.elapsed() - 600_000;
  await tellUnrecorded(new AgentError('disk', 'no space left'), { since, told: new Map() }, hands, NEVER);
  expect(site.signals()).toEqual([]);

  await heatConfigAnswers(site, creation.id);
  node.fails();
  const result = await node.pass();
  expect(result).toMatchObject({ awaits: true, settled: [] });
  expect(result.problems.map(({ code }) => code)).toEqual(['unit']);
});
