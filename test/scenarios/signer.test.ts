import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from './support/certificates.ts';
import { startPhasedCloud } from './support/phased-cloud.ts';
import { createSite, type Site } from './support/site.ts';
import { noticesIn } from './support/notices.ts';

/** A cluster with the label cert_manager_api: kube-controller-manager signs with the key of the CA. */

const { cloud, rotateCa, ask, answer } = await startPhasedCloud();

const CERTS = '/etc/kubernetes/certs';
const ARGUMENTS = '/etc/kubernetes/controller-manager';
const OWN = `${CERTS}/signing-ca.crt`;

/** As configure-kubernetes-master.sh writes it, reduced to what matters here. */
const written = (signer: string): string =>
  `KUBE_CONTROLLER_MANAGER_ARGS="--leader-elect=true --kubeconfig=/etc/kubernetes/admin.conf --service-account-private-key-file=${CERTS}/service_account_private.key --root-ca-file=${CERTS}/ca.crt --cluster-signing-cert-file=${signer} --cluster-signing-key-file=${CERTS}/ca.key"\n`;

async function createSigningSite(): Promise<Site> {
  const site = await createSite(cloud, { role: 'master', server: { inputs: { phase: 'phase' } } });
  const { keys } = site.cluster.record.generation.kubernetes;
  await site.node.write(`${CERTS}/ca.key`, keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await site.node.write(ARGUMENTS, written(`${CERTS}/ca.crt`), 0o644);
  return site;
}

async function rotate(site: Site, phase: string): Promise<Record<string, unknown>> {
  await rotateCa(site, phase);
  return await answer(site);
}

const contentOf = async (site: Site, path: string): Promise<string | undefined> =>
  (await site.files()).get(path)?.content;

/** Checks the pair like tls.X509KeyPair, which kube-controller-manager calls at its start. */
async function signs(site: Site, certificate: string): Promise<boolean> {
  const { privateKey } = site.cluster.record.generation.kubernetes.keys;
  return new X509Certificate((await contentOf(site, certificate)) ?? '').checkPrivateKey(privateKey);
}

describe('a node whose kube-controller-manager signs with ca.crt and ca.key', () => {
  test('runs all phases; the signer keeps the one certificate of its key', async () => {
    const site = await createSigningSite();
    expect(await signs(site, `${CERTS}/ca.crt`)).toBe(true);
    const first = site.cluster.ca.kubernetes;
    expect(await rotate(site, 'trust')).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
    for (const phase of ['reissue', 'retire', 'retire']) {
      expect(await contentOf(site, ARGUMENTS)).toBe(written(OWN));
      expect((await contentOf(site, OWN))?.match(/BEGIN/g)).toHaveLength(1);
      expect(fingerprintOf((await contentOf(site, OWN)) ?? '')).toBe(fingerprintOf(first));
      expect(await ask(site, phase)).toMatchObject({ deploy_status_code: 0 });
    }
    expect(noticesIn(site.progress)).toContain('signing-key-outlived');
    // A later rotation changes nothing of it.
    expect(await rotate(site, 'trust')).toMatchObject({ deploy_status_code: 0 });
    expect(fingerprintOf((await contentOf(site, OWN)) ?? '')).toBe(fingerprintOf(first));
  });

  test('survives a rotation without phases', async () => {
    const site = await createSigningSite();
    const first = site.cluster.ca.kubernetes;
    expect(await rotate(site, 'all')).toMatchObject({ deploy_status_code: 0 });
    expect(await contentOf(site, ARGUMENTS)).toBe(written(OWN));
    expect(fingerprintOf((await contentOf(site, OWN)) ?? '')).toBe(fingerprintOf(first));
  });

  test('gets its arguments back when the generation is rolled back', async () => {
    const site = await createSigningSite();
    site.node.units.breakUnit('kubelet', 'fails to start once');
    const before = await site.files();
    expect(await rotate(site, 'trust')).toMatchObject({ deploy_status_code: 1 });
    const after = await site.files();
    for (const path of [ARGUMENTS, OWN, `${CERTS}/ca.crt`]) expect(after.get(path)).toEqual(before.get(path));
  });

  test('is left alone if it already signs with another file', async () => {
    const site = await createSigningSite();
    await site.node.write(ARGUMENTS, written('/etc/kubernetes/own-ca.crt'), 0o644);
    expect(await rotate(site, 'trust')).toMatchObject({ deploy_status_code: 0 });
    expect(await contentOf(site, ARGUMENTS)).toBe(written('/etc/kubernetes/own-ca.crt'));
    expect(await contentOf(site, OWN)).toBeUndefined();
  });
});
