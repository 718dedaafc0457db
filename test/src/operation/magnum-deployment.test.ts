import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { decodeDeployment } from '../../../src/deployment/decode.ts';
import type { Deployment } from '../../../src/deployment/deployment.ts';
import { makesCertificates } from '../../../src/operation/magnum-deployment.ts';
import { type Operation, selectOperation, type Settings } from '../../../src/operation/operation.ts';
import { stockScript } from '../../cloud/stock-script.ts';
import { deployment } from '../support/deployments.ts';
import { fixture, jsonObject, listIn } from '../support/fixtures.ts';

const Captured = v.looseObject({ config: v.object({ markers: v.array(v.string()) }) });

/** The deployments of a real Magnum 20, as a node received them; only the kept lines of their texts are included. */
function captured(name: string): Deployment[] {
  return listIn(jsonObject(fixture(`stock/${name}.json`)), 'deployments').map((raw) => {
    const { config, ...rest } = v.parse(Captured, raw);
    const decoded = decodeDeployment({ ...rest, config: ['#!/bin/bash', ...config.markers].join('\n') });
    if (!decoded.ok) throw decoded.error;
    return decoded.deployment;
  });
}

const meaningOf = (one: Deployment, settings?: Settings): Operation['kind'] | undefined =>
  selectOperation(one, [], settings)?.kind;

test.each([
  ['create-master', ['magnum-creation', 'magnum-creation']],
  ['rotation-master', ['magnum-creation', 'magnum-update']],
  ['rotation-worker', ['magnum-creation', 'magnum-update']],
  ['roll-back-master', ['magnum-creation', 'magnum-update']],
  ['upgrade-master', ['magnum-creation', 'magnum-creation', 'magnum-update']],
])('recognizes the deployments of %s', (name, kinds) => {
  expect(captured(name).map((one) => meaningOf(one))).toEqual(kinds);
});

test('reads the pair and the versions of the update', () => {
  expect(
    captured('upgrade-master')
      .map((one) => selectOperation(one, []))
      .at(-1),
  ).toMatchObject({
    serviceAccount: { publicKey: '<service-account-public-1>', privateKey: '<service-account-private-1>' },
    wants: { kubeTag: 'v1.24.0', ostreeCommit: undefined, ostreeRemote: undefined },
  });
});

const idOf = (name: string): string | undefined => captured(name).at(-1)?.rotation;

test('identifies a rotation by its pair, whatever version comes with it', () => {
  expect(idOf('rotation-master')).toBe(idOf('upgrade-master'));
  expect(idOf('rotation-master')).toBeDefined();
});

const INPUTS = {
  deploy_resource_name: 'upgrade_kubernetes_deployment',
  kube_service_account_key_input: 'PUB',
  kube_service_account_private_key_input: 'PRIV',
};
const SCRIPT = { group: 'script', config: stockScript('master') };

describe('runs as an ordinary script:', () => {
  test.each([
    ['another resource', { ...INPUTS, deploy_resource_name: 'mine' }, SCRIPT],
    ['one key alone', { ...INPUTS, kube_service_account_key_input: '' }, SCRIPT],
    ['no marker in the text', INPUTS, { ...SCRIPT, config: '#!/bin/sh\ntrue\n' }],
    ['no text', INPUTS, { ...SCRIPT, config: { a: 1 } }],
  ])('%s', (_, inputs, over) => {
    expect(meaningOf(deployment(inputs, over))).toBe('run');
  });

  test('any deployment if the node is configured so', () => {
    const one = deployment(INPUTS, SCRIPT);
    expect(meaningOf(one)).toBe('magnum-update');
    expect(meaningOf(one, { magnum: 'script' })).toBe('run');
  });

  test('a deployment of another group', () => {
    expect(meaningOf(deployment(INPUTS, { ...SCRIPT, group: 'mine' }))).toBe('run');
  });
});

const upgradeIn = (config: string): string | undefined => {
  const operation = selectOperation(deployment(INPUTS, { ...SCRIPT, config }), []);
  return operation?.kind === 'magnum-update' ? operation.upgrade : undefined;
};

test.each(['master', 'worker'] as const)("extracts the upgrade from a %s's text", (role) => {
  const upgrade = upgradeIn(stockScript(role)) ?? '';
  expect(upgrade.split('\n').slice(0, 2)).toEqual(['#!/bin/bash', '. /etc/sysconfig/heat-params']);
  expect(upgrade).toContain('new_kube_tag="$kube_tag_input"');
  expect(upgrade).not.toMatch(/certificates|licence|set \+x/);
});

test('extracts no upgrade from a text that mixes it with certificates', () => {
  const mixed = `#!/bin/bash\n. /etc/sysconfig/heat-params\necho $kube_tag_input\ngenerate_certificates\n`;
  expect(upgradeIn(`${mixed}echo "START: rotate CA certs on master"`)).toBeUndefined();
});

/** Debian's python3-magnum, where it is installed. */
const FRAGMENTS = '/usr/lib/python3/dist-packages/magnum/drivers/common/templates/kubernetes/fragments';

const read = (name: string): string => readFileSync(join(FRAGMENTS, name), 'utf8');

describe.skipIf(!existsSync(FRAGMENTS))('in the fragments of Magnum 15', () => {
  test.each([
    ['master', ['make-cert.sh', 'make-cert-client.sh', 'rotate-kubernetes-ca-certs-master.sh']],
    ['worker', ['make-cert-client.sh', 'rotate-kubernetes-ca-certs-worker.sh']],
  ])('the upgrade of a %s is exactly its fragment', (_, others) => {
    const upgrade = read('upgrade-kubernetes.sh');
    const text = ['#!/bin/bash', upgrade, ...others.map(read)].join('\n');
    expect(upgradeIn(text)?.trimEnd()).toBe(`#!/bin/bash\n${upgrade}`.trimEnd());
    expect(makesCertificates(text)).toBe(true);
    expect(makesCertificates(upgrade)).toBe(false);
  });
});
