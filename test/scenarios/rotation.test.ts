import { chmod, chown, rename, symlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { presentedCertificate } from '../../src/services/presented.ts';
import { NEVER } from '../src/support/clock.ts';
import {
  certificateAt,
  embeddedIn,
  fingerprintOf,
  isSignedBy,
  keyFits,
  namesOf,
  subjectOf,
} from './support/certificates.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';
import { expectedNames, expectedOf } from './support/tables.ts';

/** The result of a rotation: every file, its owner, and the certificates that its units present. */

const cloud = await cloudForFile();

const CLIENT = '1.3.6.1.5.5.7.3.2';
const SERVER = '1.3.6.1.5.5.7.3.1';

const pemOf = (site: Site, parameter: string): string =>
  (site.cluster.stack.parameters[parameter] ?? '').replaceAll(String.raw`\n`, '\n');

const KINDS: readonly (readonly [keyof ReturnType<typeof expectedOf>, SiteSpec])[] = [
  ['certs master', { role: 'master', layout: 'kubernetes-certs' }],
  ['certs worker', { role: 'worker', layout: 'kubernetes-certs' }],
  ['pki master', { role: 'master', layout: 'kubernetes-pki' }],
  ['pki worker', { role: 'worker', layout: 'kubernetes-pki' }],
];

describe.each(KINDS)('on a node of the kind %s', (kind, spec) => {
  test("replaces all of the node's files in a CA rotation, and reports to Heat", async () => {
    const site = await createSite(cloud, spec);
    const { cluster } = site;
    const name = cluster.heatParams(spec.role ?? 'worker')['INSTANCE_NAME'] ?? '';
    const expected = expectedOf(name)[kind];
    const before = await site.files();
    await cloud.rotateCa(cluster);
    const { settled, problems } = await site.pass();
    expect(problems).toEqual([]);
    expect(settled.map(({ outcome }) => outcome.stderr)).toEqual(['']);

    const files = await site.files();
    for (const { stem, ca, caFile, subject, names, extended } of expected.leaves) {
      const leaf = certificateAt(files, `${stem}.crt`);
      expect(fingerprintOf(files.get(caFile)?.content ?? ''), caFile).toBe(fingerprintOf(cluster.ca[ca]));
      expect(isSignedBy(leaf, cluster.ca[ca]), `${stem} is signed by the new CA`).toBe(true);
      expect(keyFits(files, stem), `the key of ${stem} fits`).toBe(true);
      expect(files.get(`${stem}.key`)?.content, stem).not.toBe(before.get(`${stem}.key`)?.content);
      expect(subjectOf(leaf)).toBe(subject);
      expect(namesOf(leaf)).toEqual(expectedNames(names, name, hostname()));
      const purposes = extended.map((one) => (one === 'client' ? CLIENT : SERVER));
      expect(leaf.keyUsage?.toSorted()).toEqual(purposes.toSorted());
    }
    for (const path of expected.kubeconfigs) {
      const { ca, certificate, key } = embeddedIn(files.get(path)?.content ?? '');
      const [leaf] = expected.leaves;
      expect(ca).toBe(files.get(leaf?.caFile ?? '')?.content);
      expect(certificate).toBe(files.get(`${leaf?.stem}.crt`)?.content);
      expect(key).toBe(files.get(`${leaf?.stem}.key`)?.content);
    }
    if (expected.serviceAccount) {
      const [publicFile, privateFile] = expected.serviceAccount;
      expect(files.get(publicFile)?.content).toBe(pemOf(site, 'kube_service_account_key'));
      expect(files.get(privateFile)?.content).toBe(pemOf(site, 'kube_service_account_private_key'));
    } else expect([...files.keys()].filter((path) => /service_account|sa\.key/.test(path))).toEqual([]);

    expect(site.restarts()).toEqual(expected.units);
    const [signal, ...more] = site.signals();
    expect(more).toEqual([]);
    expect(signal?.accepted).toBe(true);
    expect(signal?.body).toMatchObject({
      deploy_status_code: 0,
      deploy_stderr: '',
      fingerprint: fingerprintOf(cluster.ca.kubernetes),
    });
    expect(await cloud.settled(cluster)).toBe('UPDATE_COMPLETE');
    expect([...files.keys()].filter((path) => /\.coe-agent$|\.new$/.test(path))).toEqual([]);
  });
});

test('has every unit with a TLS port present the leaf on disk', async () => {
  const site = await createSite(cloud, { role: 'master' });
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const files = await site.files();
  for (const [unit, stem] of [
    ['etcd', '/etc/etcd/certs/server'],
    ['kube-apiserver', '/etc/kubernetes/certs/server'],
    ['kubelet', '/etc/kubernetes/certs/kubelet'],
  ] as const) {
    const seen = await presentedCertificate('127.0.0.1', site.node.units.port(unit), NEVER);
    expect(seen.fingerprint256, unit).toBe(certificateAt(files, `${stem}.crt`).fingerprint256);
  }
});

test('gives new files the owner and mode that make-cert.sh uses', async () => {
  const site = await createSite(cloud, { role: 'master' });
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const files = await site.files();
  const [kube, etcd, kubeEtcd] = [301, 302, 303];
  expect(files.get('/etc/kubernetes/certs/service_account_private.key')).toMatchObject({
    mode: 0o440,
    uid: kube,
    gid: kubeEtcd,
  });
  expect(files.get('/etc/etcd/certs/server.key')).toMatchObject({ mode: 0o440, uid: etcd, gid: kubeEtcd });
  expect(files.get('/etc/kubernetes/certs')).toMatchObject({ mode: 0o550, uid: kube, gid: kubeEtcd });
});

test('keeps owner and mode of a replaced file, and keeps a symlink', async () => {
  const site = await createSite(cloud);
  const at = (path: string): string => join(site.node.root, path);
  const certs = '/etc/kubernetes/certs';
  await chown(at(`${certs}/kubelet.key`), 1234, 5678);
  await chmod(at(`${certs}/kubelet.key`), 0o604);
  await rename(at(`${certs}/proxy.crt`), at('/etc/kubernetes/elsewhere.crt'));
  await symlink('../elsewhere.crt', at(`${certs}/proxy.crt`));
  // Links in another user's directory are not followed: test/scenarios/other-owners.test.ts.
  await chown(at(certs), 0, 0);
  const before = await site.files();

  await cloud.rotateCa(site.cluster);
  await site.pass();
  const after = await site.files();
  expect(after.get(`${certs}/kubelet.key`)).toMatchObject({ mode: 0o604, uid: 1234, gid: 5678 });
  expect(keyFits(after, `${certs}/kubelet`)).toBe(true);
  expect(after.get(`${certs}/proxy.crt`)?.type).toBe('other');
  expect(after.get('/etc/kubernetes/elsewhere.crt')?.content).not.toBe(
    before.get('/etc/kubernetes/elsewhere.crt')?.content,
  );
  expect(isSignedBy(certificateAt(after, '/etc/kubernetes/elsewhere.crt'), site.cluster.ca.kubernetes)).toBe(
    true,
  );
});

test("keeps a kubeconfig's comments, other users and order", async () => {
  const site = await createSite(cloud, { layout: 'kubernetes-pki' });
  const path = '/etc/kubernetes/kubelet.conf';
  const text = await site.node.read(path);
  const own = text.replace('users:\n', 'users: # whoever may\n- name: other\n  user:\n    token: kept\n');
  await site.node.write(path, own);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  const base64 = /(-data: ).*/g;
  const after = await site.node.read(path);
  expect(after).not.toBe(own);
  expect(after.replaceAll(base64, '$1')).toBe(own.replaceAll(base64, '$1'));
});
