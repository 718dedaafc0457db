import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { presentedCertificate } from '../../src/services/presented.ts';
import { at } from '../cloud/exchange.ts';
import { NEVER } from '../src/support/clock.ts';
import { jsonObject, listIn } from '../src/support/fixtures.ts';
import {
  certificateAt,
  embeddedIn,
  fingerprintOf,
  type Files,
  isSignedBy,
  keyFits,
} from './support/certificates.ts';
import type { Entry } from '../crash/tree.ts';
import { cli } from './support/cli.ts';
import { startPhasedCloud } from './support/phased-cloud.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';
import { lastError } from './support/last-error.ts';
import { noticesIn } from './support/notices.ts';

/** A CA rotation in phases, in which every peer accepts every certificate. */

const { cloud, rotateCa, ask, answer } = await startPhasedCloud();

const CERTS = '/etc/kubernetes/certs';
const PUBLIC = `${CERTS}/service_account.key`;
const PRIVATE = `${CERTS}/service_account_private.key`;

/** Makes a node whose deployments have the input `phase`, after one rotation. */
async function createPhasedSite(spec: SiteSpec = {}): Promise<Site> {
  const site = await createSite(cloud, { ...spec, server: { inputs: { phase: 'phase' } } });
  await rotateCa(site, 'all');
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0 });
  if (!spec.others) await cloud.settled(site.cluster);
  return site;
}

const authoritiesAt = (files: Files, path: string): string[] => casIn(files.get(path)?.content ?? '');
const casIn = (text: string): string[] =>
  (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(
    (pem) => new X509Certificate(pem).fingerprint256,
  );
const idsOf = (...pems: (string | undefined)[]): string[] => pems.flatMap((pem) => casIn(pem ?? ''));

const pemOf = (site: Site, name: string): string =>
  (site.cluster.stack.parameters[name] ?? '').replaceAll(String.raw`\n`, '\n');
const publicKeyOf = (site: Site): string => pemOf(site, 'kube_service_account_key');
const privateKeyOf = (site: Site): string => pemOf(site, 'kube_service_account_private_key');

/** The private key of the CA that Magnum signs with. */
const caKeyOf = ({ cluster }: Site): string =>
  cluster.record.generation.kubernetes.keys.privateKey.export({ type: 'pkcs8', format: 'pem' });

const LEAVES = ['kubelet', 'server', 'admin'] as const;
const MASTER_UNITS = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
];

test('takes a master through trust, reissue and retire, with a certificate that both sides trust at all times', async () => {
  const site = await createPhasedSite({ role: 'master' });
  const { cluster, node } = site;
  const before = await site.files();
  const [oldPublic, oldPrivate] = [publicKeyOf(site), privateKeyOf(site)];
  const presented = async (): Promise<string> =>
    (await presentedCertificate('127.0.0.1', node.units.port('kube-apiserver'), NEVER)).fingerprint256;
  const leafOf = (files: Files): string => certificateAt(files, `${CERTS}/server.crt`).fingerprint256;

  let restarts = site.restarts().length;
  await rotateCa(site, 'trust');
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  const trusting = await site.files();
  const old = cluster.previousCa;
  // A reader that tries one CA per name finds the CA of the current certificates first.
  expect(authoritiesAt(trusting, `${CERTS}/ca.crt`)).toEqual(idsOf(old?.kubernetes, cluster.ca.kubernetes));
  expect(authoritiesAt(trusting, '/etc/etcd/certs/ca.crt')).toEqual(idsOf(old?.etcd, cluster.ca.etcd));
  expect(authoritiesAt(trusting, `${CERTS}/front-proxy/ca.crt`)).toEqual(
    idsOf(old?.['front-proxy'], cluster.ca['front-proxy']),
  );
  for (const leaf of LEAVES)
    for (const kind of ['crt', 'key'])
      expect(trusting.get(`${CERTS}/${leaf}.${kind}`)).toEqual(before.get(`${CERTS}/${leaf}.${kind}`));
  expect(trusting.get(PRIVATE)?.content).toBe(oldPrivate);
  expect(trusting.get(PUBLIC)?.content).toBe(oldPublic + publicKeyOf(site));
  expect(site.restarts().slice(restarts)).toEqual(MASTER_UNITS);
  expect(await presented()).toBe(leafOf(before));

  restarts = site.restarts().length;
  expect(await ask(site, 'reissue')).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  const reissued = await site.files();
  expect(authoritiesAt(reissued, `${CERTS}/ca.crt`)).toEqual(idsOf(cluster.ca.kubernetes, old?.kubernetes));
  for (const leaf of LEAVES) {
    const certificate = certificateAt(reissued, `${CERTS}/${leaf}.crt`);
    expect(isSignedBy(certificate, cluster.ca.kubernetes), leaf).toBe(true);
    expect(keyFits(reissued, `${CERTS}/${leaf}`), leaf).toBe(true);
  }
  expect(reissued.get(PRIVATE)?.content).toBe(privateKeyOf(site));
  expect(reissued.get(PUBLIC)?.content).toBe(publicKeyOf(site) + oldPublic);
  expect(site.restarts().slice(restarts)).toEqual(MASTER_UNITS);
  expect(await presented()).toBe(leafOf(reissued));

  const retirement = await ask(site, 'retire');
  expect(retirement).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(retirement['deploy_stdout']).toContain(
    'open connections that the restart of kube-apiserver ended: ',
  );
  const retired = await site.files();
  expect(authoritiesAt(retired, `${CERTS}/ca.crt`)).toEqual(idsOf(cluster.ca.kubernetes));
  expect(authoritiesAt(retired, '/etc/etcd/certs/ca.crt')).toEqual(idsOf(cluster.ca.etcd));
  // Tokens of the old key stay valid: its grace began with "reissue".
  expect(retired.get(PUBLIC)?.content).toBe(publicKeyOf(site) + oldPublic);
  for (const leaf of LEAVES)
    expect(retired.get(`${CERTS}/${leaf}.crt`)).toEqual(reissued.get(`${CERTS}/${leaf}.crt`));
  expect(await presented()).toBe(leafOf(reissued));
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
});

test('turns kubeconfigs and copies of the CA into bundles, and back to one CA at the end', async () => {
  const site = await createPhasedSite({ role: 'master', layout: 'kubernetes-pki' });
  const { cluster, node } = site;
  const pki = '/etc/kubernetes/pki/ca.crt';
  const copy = '/etc/kubernetes/trusted.pem';
  await node.write(copy, await node.read(pki));
  const admin = async (): Promise<ReturnType<typeof embeddedIn>> =>
    embeddedIn(await node.read('/etc/kubernetes/admin.conf'));
  const before = await admin();

  await rotateCa(site, 'trust');
  await answer(site);
  const both = idsOf(cluster.previousCa?.kubernetes, cluster.ca.kubernetes);
  expect(casIn(await node.read(pki))).toEqual(both);
  expect(casIn(await node.read(copy))).toEqual(both);
  expect(casIn((await admin()).ca)).toEqual(both);
  expect(await admin()).toMatchObject({ certificate: before.certificate, key: before.key });

  await ask(site, 'reissue');
  expect(casIn((await admin()).ca)).toEqual(both.toReversed());
  expect(casIn(await node.read(copy))).toEqual(both.toReversed());
  expect(isSignedBy(new X509Certificate((await admin()).certificate), cluster.ca.kubernetes)).toBe(true);

  await ask(site, 'retire');
  expect(casIn((await admin()).ca)).toEqual(idsOf(cluster.ca.kubernetes));
  expect(casIn(await node.read(copy))).toEqual(idsOf(cluster.ca.kubernetes));
  expect((await node.agent('certs')).code).toBe(0);
});

test("takes the phase from the node's configuration if Magnum's own deployment names none, and keeps the pair for the next", async () => {
  const site = await createPhasedSite({ role: 'master' });
  const [oldPublic, oldPrivate] = [publicKeyOf(site), privateKeyOf(site)];
  await site.node.configure({ rotation: { phase: 'trust' } });
  await rotateCa(site, '');
  expect(await answer(site)).toMatchObject({ deploy_status_code: 0 });
  const [fresh, freshPrivate] = [publicKeyOf(site), privateKeyOf(site)];
  expect(await site.node.read(PUBLIC)).toBe(oldPublic + fresh);
  expect(await site.node.read(PRIVATE)).toBe(oldPrivate);
  const record = '/var/lib/coe-agent/service-account.json';
  const kept = async (): Promise<Entry | undefined> => (await site.files('/var/lib/coe-agent')).get(record);
  expect(await kept()).toMatchObject({ mode: 0o600 });

  // A stack without Magnum's keys.
  const without = { kube_service_account_key: '', kube_service_account_private_key: '' };
  const askWithout = async (phase: string): Promise<Record<string, unknown>> => {
    site.cluster.stack.update({ ...without, phase });
    return await answer(site);
  };
  expect(await askWithout('retire')).toMatchObject({ deploy_status_code: 1 });
  expect(await lastError(site)).toMatchObject({ reason: 'reissue-first' });
  expect(await askWithout('reissue')).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await site.node.read(PRIVATE)).toBe(freshPrivate);
  expect(await site.node.read(PUBLIC)).toBe(fresh + oldPublic);
  expect((await kept())?.content).not.toContain('PRIVATE');
  expect(await askWithout('retire')).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await site.node.read(PUBLIC)).toBe(fresh + oldPublic);
});

test("keeps one certificate in kube-controller-manager's signing pair beside the CA files", async () => {
  const site = await createPhasedSite({ role: 'master', layout: 'kubernetes-pki' });
  const { cluster, node } = site;
  const [signer, key] = ['/etc/kubernetes/signer.crt', caKeyOf(site)];
  await node.write(signer, await node.read('/etc/kubernetes/pki/ca.crt'));
  await node.write('/etc/kubernetes/signer.key', key);

  await rotateCa(site, 'trust');
  await answer(site);
  expect(casIn(await node.read(signer))).toEqual(idsOf(cluster.previousCa?.kubernetes));
  expect(casIn(await node.read('/etc/kubernetes/pki/ca.crt'))).toHaveLength(2);
  await ask(site, 'reissue');
  expect(casIn(await node.read(signer))).toEqual(idsOf(cluster.ca.kubernetes));
  expect(await node.read('/etc/kubernetes/signer.key')).toBe(key);
});

test.each(['trust', 'reissue', 'retire'])(
  '%s, requested again, changes and restarts nothing',
  async (last) => {
    const site = await createPhasedSite({ role: 'master' });
    await rotateCa(site, 'trust');
    await answer(site);
    if (last !== 'trust') await ask(site, 'reissue');
    if (last === 'retire') await ask(site, 'retire');
    const [files, restarts] = [await site.files(), site.restarts().length];
    const id = (await site.ledger()).at(-1)?.id;
    const { settled } = await site.pass({ force: id });
    expect(settled).toMatchObject([{ id, outcome: { statusCode: 0, stderr: '' } }]);
    expect(await site.files()).toEqual(files);
    expect(site.restarts()).toHaveLength(restarts);
  },
);

test('all at once, from the middle of the phases, ends with only the new CA', async () => {
  const site = await createPhasedSite({ role: 'master' });
  await rotateCa(site, 'trust');
  await answer(site);
  expect(await ask(site, 'all')).toMatchObject({ deploy_status_code: 0 });
  const files = await site.files();
  expect(authoritiesAt(files, `${CERTS}/ca.crt`)).toEqual(idsOf(site.cluster.ca.kubernetes));
  expect(isSignedBy(certificateAt(files, `${CERTS}/server.crt`), site.cluster.ca.kubernetes)).toBe(true);
});

const refused = async (site: Site, phase: string): Promise<string> => {
  const [files, restarts] = [await site.files(), site.restarts().length];
  const { deploy_status_code: code, deploy_stderr: words } = await ask(site, phase);
  expect(code).toBe(1);
  expect(await site.files()).toEqual(files);
  expect(site.restarts()).toHaveLength(restarts);
  return String(words);
};

describe('rejects without a change', () => {
  test('reissue on a node that does not trust the new CA, because its peers may not either', async () => {
    const site = await createPhasedSite();
    await rotateCa(site, 'trust');
    await answer(site);
    // Magnum's CA has changed again by now.
    await rotateCa(site, 'reissue');
    await answer(site);
    expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'trust-first' });
  });

  test('retire while certificates of the old CA are installed, which would become invalid', async () => {
    const site = await createPhasedSite();
    await rotateCa(site, 'trust');
    await answer(site);
    expect(await refused(site, 'retire')).toContain('kubelet, proxy: ');
    expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'reissue-first' });
  });

  test('an unknown phase', async () => {
    const site = await createPhasedSite();
    expect(await refused(site, 'Trust')).toContain('all, trust, reissue, retire');
    expect(await lastError(site)).toEqual({ code: 'bad-deployment', reason: 'phase-unknown' });
  });

  test.each(['ca.key', 'ca-key.pem'])(
    'trust if kube-controller-manager signs with the same file, as with cert_manager_api, and %s',
    async (name) => {
      const site = await createPhasedSite({ role: 'master' });
      const key = caKeyOf(site);
      await site.node.write(`${CERTS}/${name}`, key);
      await rotateCa(site, 'all');
      await answer(site);
      // The new CA's key stays in Magnum, which signers with the old key have to know.
      expect(noticesIn(site.progress)).toContain('signing-key-outlived');
      expect(site.signals().at(-1)?.body?.['deploy_stdout']).toContain(`${CERTS}/${name}`);
      // Its key is not a copy of the certificate's key, whatever happens to the certificate.
      expect(await site.node.read(`${CERTS}/${name}`)).toBe(key);
      await site.node.write(`${CERTS}/${name}`, caKeyOf(site));
      await rotateCa(site, '');
      expect(await refused(site, 'trust')).toContain(`${CERTS}/${name} `);
      expect(await lastError(site)).toEqual({ code: 'precondition', reason: 'signing-pair' });
    },
  );
});

test("agent status, plan and certs describe the node's phase and the next step in words", async () => {
  const site = await createPhasedSite({ role: 'master' });
  const says = async (verb: string): Promise<string> =>
    (await cli(site, [verb])).stdout.replaceAll(/\s+/g, ' ');
  const NEXT = 'when every node is this far, run the phase "reissue"';
  const LAST =
    'the new CA has signed the certificates, and the old CA is still trusted: when every node is this far, run the phase "retire"';
  expect(await says('status')).not.toContain('CA');

  await rotateCa(site, 'trust');
  await answer(site);
  for (const verb of ['status', 'plan', 'certs']) expect(await says(verb)).toContain(NEXT);
  const rows = listIn(jsonObject((await cli(site, ['certs', '--json'])).stdout), 'certificates');
  const cas = rows.filter((row) => at(row, 'file') === `${CERTS}/ca.crt`);
  expect(cas.map((row) => at(row, 'fingerprint'))).toEqual(
    [site.cluster.previousCa, site.cluster.ca].map((one) => fingerprintOf(one?.kubernetes ?? '')),
  );
  expect((await cli(site, ['certs'])).code).toBe(0);

  await ask(site, 'reissue');
  for (const verb of ['status', 'plan', 'certs']) expect(await says(verb)).toContain(LAST);
  expect(await says('status')).toContain('1 old service-account key is accepted until');

  await ask(site, 'retire');
  for (const verb of ['status', 'plan', 'certs']) expect(await says(verb)).not.toContain('the phase');
});

test("keeps the present state when Heat goes back to the previous phase after another node's failure, and continues later", async () => {
  const site = await createPhasedSite({
    role: 'master',
    others: [{ name: 'worker-1', role: 'worker', inputs: { phase: 'phase' } }],
  });
  const { cluster } = site;
  const answerOfOther = (code: number): void => {
    const resource = cluster.stack.resources.get('worker-1-rotate');
    if (resource) cluster.stack.signal(resource, { deploy_status_code: code });
  };
  const both = async (phase: string, code: number): Promise<void> => {
    cluster.stack.update({ phase });
    await site.pass();
    answerOfOther(code);
  };
  answerOfOther(0);
  await cloud.settled(cluster);
  await rotateCa(site, 'trust');
  await site.pass();
  answerOfOther(0);
  expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');

  await both('reissue', 1);
  const [reissued, restarts] = [await site.files(), site.restarts().length];
  await cloud.until(() => cluster.stack.resources.get('master-0-rotate')?.current?.status === 'IN_PROGRESS');
  await site.pass();
  expect(site.signals().at(-1)?.body).toMatchObject({ deploy_status_code: 0, deploy_stderr: '' });
  expect(await site.files()).toEqual(reissued);
  expect(site.restarts()).toHaveLength(restarts);
});
