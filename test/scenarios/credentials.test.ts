import { chmod, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { cli } from './support/cli.ts';
import { runLoop } from './support/daemon.ts';
import { createSite, type Role, type Site, type SiteSpec } from './support/site.ts';
import {
  CLOUD_CONFIG,
  CLOUD_CONFIGS,
  cloudConfig,
  filesWith,
  HEAT_PARAMS,
  newTrustee,
  REGISTRY,
  registryConfig,
  type Trustee,
  trusteeOf,
} from './support/trustee.ts';
import { unreadableCopies } from './support/unreadable-copies.ts';
import { nodeFiles } from './support/untouched.ts';
import { lastError } from './support/last-error.ts';
import type { OutcomeError } from '../../src/deployment/deployment.ts';
import { noticesIn } from './support/notices.ts';

const cloud = await cloudForFile();

const INPUTS = ['trustee_user_id', 'trustee_password', 'trust_id', 'region_name', 'auth_url'];

function ask(site: Site, values: Record<string, unknown>): void {
  cloud.deploy(site.cluster, site.server, {
    resource: 'credentials',
    group: 'coe-credentials',
    inputs: INPUTS.map((name) => ({ name, type: typeof values[name] === 'number' ? 'Number' : 'String' })),
    outputs: [{ name: 'files' }],
    values: { ...Object.fromEntries(INPUTS.map((name) => [name, ''])), ...values },
  });
}

/** Sends credentials and returns the answer to Heat. */
async function answerTo(site: Site, values: Record<string, unknown>): Promise<Record<string, unknown>> {
  ask(site, values);
  await site.pass();
  return site.signals().at(-1)?.body ?? {};
}

/** Makes a node with its credentials in Magnum's files. */
async function siteWithCloudConfig(role: Role = 'master', spec: SiteSpec = {}): Promise<Site> {
  const site = await createSite(cloud, { role, ...spec });
  for (const [path, more] of Object.entries(CLOUD_CONFIGS))
    await site.node.write(path, cloudConfig(trusteeOf(site), cloud.authUrl) + more);
  return site;
}

const textsOf = async (site: Site): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      [HEAT_PARAMS, ...Object.keys(CLOUD_CONFIGS)].map(
        async (path) => [path, await site.node.read(path)] as const,
      ),
    ),
  );
const wantedWith = (site: Site, role: Role, trustee: Trustee): Record<string, string> =>
  filesWith(trustee, site.cluster.heatParams(role), cloud.authUrl);

const rexray = (trustee: Trustee): string =>
  `openstack:\n  userID:   ${trustee.trustee_user_id}\n  password: ${trustee.trustee_password}\n  trustID:  ${trustee.trust_id}\n`;

const asParams = (trustee: Trustee): string =>
  `TRUSTEE_USER_ID="${trustee.trustee_user_id}"\nTRUSTEE_PASSWORD="${trustee.trustee_password}"\nTRUST_ID="${trustee.trust_id}"\nNODEGROUP_ROLE="other"\n`;

describe('new credentials', () => {
  test('writes every file, restarts its readers, and reports the change to Heat', async () => {
    const site = await siteWithCloudConfig();
    await chmod(join(site.node.root, CLOUD_CONFIG), 0o640);
    const fresh = newTrustee(cloud);
    const body = await answerTo(site, fresh);
    expect(body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
    expect(await textsOf(site)).toEqual(wantedWith(site, 'master', fresh));
    expect(site.restarts()).toEqual(['kube-apiserver', 'kube-controller-manager', 'kubelet']);
    expect((await stat(join(site.node.root, CLOUD_CONFIG))).mode & 0o777).toBe(0o640);
    const told = String(body['deploy_stdout']);
    for (const id of [fresh.trustee_user_id, fresh.trust_id]) expect(told).toContain(id);
    for (const path of Object.keys(CLOUD_CONFIGS)) expect(told).toContain(`  ${path}\n`);
    expect(noticesIn(site.progress)).toContain(
      'credentials-read-by-others /etc/kubernetes/cloud-config-occm',
    );
    expect(body['files']).toEqual([HEAT_PARAMS, ...Object.keys(CLOUD_CONFIGS)]);
  });

  test('uses them in the next rotation, also when the former trust is gone', async () => {
    const site = await siteWithCloudConfig('worker');
    const fresh = newTrustee(cloud);
    ask(site, fresh);
    const from = cloud.requests.length;
    await runLoop(site, {
      times: 3,
      before: async (wait) => {
        if (wait !== 1) return;
        cloud.deleteTrust(site.cluster);
        await cloud.rotateCa(site.cluster);
      },
    });
    expect(await cloud.settled(site.cluster)).toBe('UPDATE_COMPLETE');
    // The former token, which was deleted with the trust, was not tried again.
    expect(cloud.requests.slice(from).filter(({ status }) => status >= 400)).toEqual([]);
    expect(site.restarts()).toEqual(['kubelet', 'kubelet', 'kube-proxy']);
  });

  test('restarts nothing on a node that has only heat-params', async () => {
    const site = await createSite(cloud);
    const { trustee_user_id, trustee_password, trust_id } = newTrustee(cloud);
    await site.setParams({ REGION_NAME: undefined });
    const body = await answerTo(site, {
      trustee_user_id,
      trustee_password,
      trust_id,
      region_name: 'RegionOne',
    });
    expect(body).toMatchObject({ deploy_status_code: 0, files: [HEAT_PARAMS] });
    expect((await site.node.read(HEAT_PARAMS)).endsWith('NO_PROXY=""\nREGION_NAME="RegionOne"\n')).toBe(true);
    expect(site.restarts()).toEqual([]);
  });

  test('keeps absent values: a new password alone', async () => {
    const site = await siteWithCloudConfig('worker');
    const trustee = cloud.identity.findUser(site.cluster.trusteeUserId);
    const password = '#1; "quoted" \\ $HOME';
    if (trustee) trustee.password = password;
    expect(await answerTo(site, { trustee_password: password })).toMatchObject({ deploy_status_code: 0 });
    expect(await site.node.read(HEAT_PARAMS)).toContain(`TRUSTEE_PASSWORD='${password}'\n`);
    expect(await site.node.read(CLOUD_CONFIG)).toContain(
      String.raw`password="#1; \"quoted\" \\ $HOME"` + `\ntrust-id=${site.cluster.trustId}\n`,
    );
  });

  test('does nothing for the same request, and updates a forgotten file', async () => {
    const site = await siteWithCloudConfig('worker');
    const fresh = newTrustee(cloud);
    await answerTo(site, fresh);
    const after = await textsOf(site);
    const again = await answerTo(site, { ...fresh, region_name: 'RegionOne' });
    expect(again).toMatchObject({ deploy_status_code: 0 });
    expect(again).not.toHaveProperty('files');
    expect(site.restarts()).toEqual(['kubelet']);
    await site.node.write(CLOUD_CONFIG, cloudConfig({ ...fresh, trustee_password: 'old' }, cloud.authUrl));
    expect(await answerTo(site, fresh)).toMatchObject({ deploy_status_code: 0, files: [CLOUD_CONFIG] });
    expect(await textsOf(site)).toEqual(after);
  });

  test("keeps another user's file, updates copies, and reports unsupported content", async () => {
    const site = await siteWithCloudConfig('worker');
    const old = trusteeOf(site);
    const elses = cloudConfig({ ...old, trust_id: 'abc' }, cloud.authUrl);
    await site.node.write('/etc/kubernetes/kube_openstack_config', elses);
    await site.node.write('/etc/kubernetes/csi.conf', cloudConfig(old, cloud.authUrl));
    await site.node.write('/etc/kubernetes/cloud-config.bak', cloudConfig(old, cloud.authUrl));
    await site.node.write('/etc/sysconfig/odd', `<trust>${old.trust_id}</trust>`);
    await symlink('cloud-config', join(site.node.root, '/etc/kubernetes/cloud.conf'));
    const fresh = newTrustee(cloud);
    const body = await answerTo(site, fresh);
    expect(body).toMatchObject({ deploy_status_code: 0 });
    expect(await site.node.read('/etc/kubernetes/kube_openstack_config')).toBe(elses);
    expect(await site.node.read('/etc/kubernetes/csi.conf')).toBe(cloudConfig(fresh, cloud.authUrl));
    expect(await site.node.read('/etc/kubernetes/cloud.conf')).toBe(cloudConfig(fresh, cloud.authUrl));
    expect(await site.node.read('/etc/kubernetes/cloud-config.bak')).toBe(cloudConfig(old, cloud.authUrl));
    expect(noticesIn(site.progress)).toEqual(
      expect.arrayContaining([
        'credentials-left /etc/kubernetes/kube_openstack_config',
        'reader-unknown /etc/kubernetes/csi.conf',
        'credentials-left /etc/kubernetes/cloud-config.bak',
        'credentials-left /etc/sysconfig/odd',
      ]),
    );
    for (const path of ['kube_openstack_config', 'csi.conf', 'cloud-config.bak', 'odd'])
      expect(body['deploy_stdout']).toContain(path);
  });

  test("restarts a worker's registry with the new login, including the trustee's name", async () => {
    const site = await createSite(cloud, { moreUnits: ['registry'], params: { TRUSTEE_USERNAME: 'former' } });
    const old = trusteeOf(site);
    await site.node.write(REGISTRY, registryConfig(old, 'former', 'magnum', cloud.authUrl));
    const fresh = newTrustee(cloud);
    const body = await answerTo(site, fresh);
    expect(body).toMatchObject({ deploy_status_code: 0, files: [HEAT_PARAMS, REGISTRY] });
    const { name = '' } = cloud.identity.findUser(fresh.trustee_user_id) ?? {};
    expect(await site.node.read(REGISTRY)).toBe(registryConfig(fresh, name, 'magnum', cloud.authUrl));
    expect(await site.node.read(HEAT_PARAMS)).toContain(`TRUSTEE_USERNAME="${name}"\n`);
    expect(site.restarts()).toEqual(['registry']);
  });

  test('restores the login and name of a registry that does not start', async () => {
    const site = await createSite(cloud, { moreUnits: ['registry'], params: { TRUSTEE_USERNAME: 'former' } });
    await site.node.write(REGISTRY, registryConfig(trusteeOf(site), 'former', 'magnum', cloud.authUrl));
    const before = await nodeFiles(site);
    site.node.units.breakUnit('registry', 'fails to start once');
    expect(await answerTo(site, newTrustee(cloud))).toMatchObject({ deploy_status_code: 1 });
    expect(await lastError(site)).toMatchObject({ code: 'unit', node: 'taken-back' });
    expect(await nodeFiles(site)).toEqual(before);
    expect(site.restarts()).toEqual(['registry', 'registry']);
  });

  test("updates a swarm's volume driver", async () => {
    const site = await createSite(cloud, { layout: 'swarm' });
    await site.node.write('/etc/rexray/config.yml', rexray(trusteeOf(site)));
    const fresh = newTrustee(cloud, 'yes');
    expect(await answerTo(site, fresh)).toMatchObject({ deploy_status_code: 0 });
    expect(await site.node.read('/etc/rexray/config.yml')).toBe(
      rexray(fresh).replace('password: yes', 'password: "yes"'),
    );
  });
});

describe('rejects, without any change', () => {
  const cases: [string, (site: Site) => Record<string, unknown>, OutcomeError][] = [
    ['empty inputs', () => ({ trust_id: '' }), { code: 'bad-deployment', reason: 'nothing-given' }],
    [
      'a masked password',
      () => ({ trustee_password: '******' }),
      { code: 'bad-deployment', reason: 'input-masked' },
    ],
    [
      'a wrong password',
      () => ({ ...newTrustee(cloud), trustee_password: 'quite wrong' }),
      { code: 'login-refused', reason: 'http-401' },
    ],
    [
      "another trustee's trust",
      (site) => ({ ...newTrustee(cloud), trust_id: site.cluster.trustId }),
      { code: 'login-refused', reason: 'http-403' },
    ],
    [
      'a trust of another project',
      () => {
        const { identity } = cloud;
        const project = identity.addProject('other', cloud.project.domain);
        identity.grant(cloud.owner, project, ['member']);
        const trustee = identity.addUser('stranger', cloud.project.domain, 'a stranger');
        const trust = identity.addTrust({ trustor: cloud.owner, trustee, project, roles: ['member'] });
        return { trustee_user_id: trustee.id, trustee_password: 'a stranger', trust_id: trust.id };
      },
      { code: 'cloud-refused', reason: 'http-404' },
    ],
    [
      'an unknown region',
      () => ({ ...newTrustee(cloud), region_name: 'Nowhere' }),
      { code: 'cloud-refused', reason: 'no-endpoint' },
    ],
    ['a number', () => ({ trust_id: 7 }), { code: 'bad-deployment', reason: 'input-not-text' }],
  ];
  test.each(cases)('%s', async (_, values, error) => {
    const site = await siteWithCloudConfig();
    const before = await nodeFiles(site);
    const body = await answerTo(site, values(site));
    expect(body).toMatchObject({ deploy_status_code: 1, deploy_stdout: '' });
    expect(await lastError(site)).toEqual(error);
    expect(await nodeFiles(site)).toEqual(before);
    expect(site.restarts()).toEqual([]);
  });

  test('heat-params in which the new values could not be found again', async () => {
    const site = await createSite(cloud);
    await site.node.write(HEAT_PARAMS, `${await site.node.read(HEAT_PARAMS)}\fTRUST_ID="x"\n`);
    const before = await nodeFiles(site);
    const body = await answerTo(site, newTrustee(cloud));
    expect(body).toMatchObject({ deploy_status_code: 1 });
    expect(await lastError(site)).toEqual({ code: 'bad-heat-params', reason: 'parameter-not-replaceable' });
    expect(await nodeFiles(site)).toEqual(before);
  });
});

test('a service that does not start: restores the old ones, uses them, and reports to Heat', async () => {
  let replaced = 0;
  const site = await siteWithCloudConfig('master', {
    instrument: {
      disk: (real) => ({
        ...real,
        rename: async (from, to) => {
          await real.rename(from, to);
          if (to === HEAT_PARAMS) replaced += 1;
          // It fails only with the new credentials.
          if (replaced === 2) site.node.units.mend('kube-controller-manager');
        },
      }),
    },
  });
  const before = await nodeFiles(site);
  site.node.units.breakUnit('kube-controller-manager', 'fails to start');
  const body = await answerTo(site, newTrustee(cloud));
  expect(body).toMatchObject({ deploy_status_code: 1, deploy_stdout: '' });
  expect(await lastError(site)).toEqual({ code: 'unit', reason: 'start-failed', node: 'taken-back' });
  expect(await nodeFiles(site)).toEqual(before);
  const twice = ['kube-apiserver', 'kube-controller-manager'];
  expect(site.restarts()).toEqual([...twice, ...twice]);
  await cloud.settled(site.cluster);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0 });
});

describe('agent rollback', () => {
  test('rolls back a stuck change once its obstacle is removed', async () => {
    const site = await siteWithCloudConfig('worker');
    const before = await nodeFiles(site);
    site.node.units.breakUnit('kubelet', 'fails to start');
    ask(site, newTrustee(cloud));
    await cli(site, ['run-once'], unreadableCopies);
    expect(await lastError(site)).toMatchObject({ node: 'stuck' });
    expect(await nodeFiles(site)).not.toEqual(before);
    site.node.units.mend('kubelet');
    expect(await cli(site, ['rollback'])).toMatchObject({ code: 0 });
    expect(await nodeFiles(site)).toEqual(before);
  });

  test('keeps the files of a stuck rotation when other credentials arrive', async () => {
    const site = await siteWithCloudConfig('worker');
    const before = await nodeFiles(site);
    site.node.units.breakUnit('kubelet', 'fails to start');
    await cloud.rotateCa(site.cluster);
    await cli(site, ['run-once'], unreadableCopies);
    await answerTo(site, newTrustee(cloud));
    expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'rotation-stuck' });
    site.node.units.mend('kubelet');
    expect(await cli(site, ['rollback'])).toMatchObject({ code: 0 });
    expect(await nodeFiles(site)).toEqual(before);
  });
});

describe('on a roll-back by Heat', () => {
  test('returns to earlier credentials; without any it keeps the present ones', async () => {
    const site = await siteWithCloudConfig('worker');
    const first = newTrustee(cloud);
    await answerTo(site, first);
    await answerTo(site, newTrustee(cloud));
    expect(await answerTo(site, first)).toMatchObject({ deploy_status_code: 0 });
    expect(await textsOf(site)).toEqual(wantedWith(site, 'worker', first));
    expect(await answerTo(site, {})).toMatchObject({ deploy_status_code: 0 });
    expect(await textsOf(site)).toEqual(wantedWith(site, 'worker', first));
  });
});

test('shows the password nowhere, and stores it only where it belongs', async () => {
  const site = await siteWithCloudConfig();
  const fresh = newTrustee(cloud, 'geheim-und-neu');
  ask(site, fresh);
  const plan = await cli(site, ['plan']);
  for (const id of [fresh.trustee_user_id, fresh.trust_id]) expect(plan.stdout).toContain(id);
  expect(plan.stdout).toMatch(/stage the new files beside 4 targets\n.*\/etc\/sysconfig\/heat-params/);
  await site.pass();
  expect(await textsOf(site)).toEqual(wantedWith(site, 'master', fresh));
  const said = [
    plan.stdout,
    plan.stderr,
    ...site.log,
    JSON.stringify(site.progress),
    JSON.stringify(site.signals()),
  ];
  expect(said.filter((text) => /geheim/.test(text))).toEqual([]);
  const holders = [...(await site.files('/'))].filter(([, { content }]) => content.includes('geheim'));
  expect(holders.map(([path]) => path.replace('//', '/')).toSorted()).toEqual(
    [...Object.keys(CLOUD_CONFIGS), HEAT_PARAMS].toSorted(),
  );
});

test('redacts either password that a unit prints, also after a shutdown in between', async () => {
  const site = await siteWithCloudConfig('worker');
  await answerTo(site, newTrustee(cloud, 'geheim-und-alt'));
  const printed = [HEAT_PARAMS, CLOUD_CONFIG].map((path) => `cat '${join(site.node.root, path)}'`);
  await site.node.write('/usr/bin/journalctl', `#!/bin/sh\n${printed.join('\n')}\necho end\n`, 0o755);
  site.node.units.breakUnit('kubelet', 'fails to start');
  ask(site, newTrustee(cloud, 'geheim-und-neu'));
  site.node.units.goDown(1);
  await cli(site, ['run-once']);
  site.node.units.comeUp();
  expect(await site.node.read(HEAT_PARAMS)).toContain('geheim-und-neu');
  const { stdout, stderr } = await cli(site, ['run-once']);
  expect(await site.node.read(HEAT_PARAMS)).toContain('geheim-und-alt');
  const told = JSON.stringify(site.signals());
  // The state of the node comes first.
  expect(told).toMatch(/ are restored.*the last lines of the journal of kubelet:.*TRUSTEE_PASSWORD=/s);
  expect(stdout).toContain('TRUSTEE_PASSWORD=');
  expect([told, stdout, stderr].filter((text) => /geheim/.test(text))).toEqual([]);
});

describe('agent credentials', () => {
  test.each([
    ['as heat-params', asParams],
    ['as JSON', JSON.stringify],
    [
      'as YAML',
      (one: Trustee) =>
        Object.entries(one)
          .map(([name, value]) => `${name}: '${value}'\n`)
          .join(''),
    ],
  ])('reads standard input, %s', async (_, format) => {
    const site = await siteWithCloudConfig('worker');
    const fresh = newTrustee(cloud);
    const told = await cli(site, ['credentials', '--from', '-', '--dry-run'], {}, format(fresh));
    expect(told).toMatchObject({ code: 0 });
    expect(await textsOf(site)).toEqual(wantedWith(site, 'worker', trusteeOf(site)));
    const done = await cli(site, ['credentials', '--from', '-'], {}, format(fresh));
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(await textsOf(site)).toEqual(wantedWith(site, 'worker', fresh));
    expect(done.stdout).not.toContain(fresh.trustee_password);
    const again = await cli(site, ['credentials', '--from', '-', '--json'], {}, format(fresh));
    expect(JSON.parse(again.stdout)).toMatchObject({ changed: false, files: [] });
    expect(site.restarts()).toEqual(['kubelet']);
  });

  test('reads a file that only its owner can read', async () => {
    const site = await siteWithCloudConfig('worker');
    const fresh = newTrustee(cloud);
    const file = join(site.node.root, 'new');
    await site.node.write('new', asParams(fresh), 0o600);
    await chmod(file, 0o640);
    const refused = await cli(site, ['credentials', '--from', file]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`chmod 600 ${file}`) as unknown,
    });
    await chmod(file, 0o600);
    const { code, stdout } = await cli(site, ['credentials', '--from', file, '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { changed: true }]);
  });

  test.each([
    ['geheimnis', 'neither like heat-params nor YAML'],
    ['trustee_password: *geheimnis', 'neither like heat-params nor YAML'],
    ['trustee_password: 1234567890', 'must be text'],
    ['trust: geheimnis', 'unknown key trust'],
    ['trustee_password: "geheimnis\\n"', 'the input trustee_password contains a line break'],
    ['', 'no credentials given'],
  ])('rejects without quoting: %j', async (text, why) => {
    const site = await createSite(cloud);
    const { code, stderr } = await cli(site, ['credentials', '--from', '-'], {}, text);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(why) as unknown });
    expect(stderr).not.toMatch(/geheimnis|1234567890/);
  });

  test('exits with 3 if Keystone refuses, and changes nothing', async () => {
    const site = await siteWithCloudConfig();
    const before = await nodeFiles(site);
    const wrong = JSON.stringify({ trust_id: 'none' });
    const { code, stdout } = await cli(site, ['credentials', '--from', '-', '--json'], {}, wrong);
    expect({ code, told: JSON.parse(stdout) as unknown }).toMatchObject({
      code: 3,
      told: { error: { code: 'login-refused', reason: 'http-401' } },
    });
    expect(await nodeFiles(site)).toEqual(before);
  });
});
