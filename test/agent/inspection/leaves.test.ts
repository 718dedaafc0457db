import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Leaf, readLeaves } from '../../../agent/inspection/leaves.ts';
import type { RoleLayout } from '../../../src/certificates/layout.ts';
import { fileAt, SMALL, writeSmallNode } from '../../src/support/small-layout.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { valuesOf } from '../../src/support/requests.ts';
import { tempRoot, type TempRoot } from '../../src/support/temp-root.ts';

const KUBECONFIG = '/etc/k/admin.conf';

const leaves = async ({ disk }: TempRoot, layout: RoleLayout = SMALL): Promise<Leaf[]> =>
  await readLeaves({ layout, values: valuesOf() }, { disk });

const namesOf = (found: readonly Leaf[]): string[] => found.map(({ name, file }) => `${name} ${file}`);

/** The same node, which never recreates its kubeconfig. */
const KEPT: RoleLayout = {
  ...SMALL,
  kubeconfigs: SMALL.kubeconfigs.map((row) => ({ ...row, create: false })),
};

describe('readLeaves', () => {
  test('reads the certificates in files and in kubeconfigs, each with its CA and its desired properties', async () => {
    const temp = await tempRoot();
    const { ca, server, admin } = await writeSmallNode(temp);
    const found = await leaves(temp);
    expect(namesOf(found)).toEqual(['server /etc/k/server.crt', `admin ${KUBECONFIG}`]);
    const marks = found.map(({ certificate }) => certificate.fingerprint256);
    expect(marks).toEqual(
      [server, admin].map(({ certificate }) => new X509Certificate(certificate).fingerprint256),
    );
    const authority = new X509Certificate(ca.pem).fingerprint256;
    expect(found.map((one) => one.authority?.fingerprint256)).toEqual([authority, authority]);
    expect(found.map(({ request }) => request.name)).toEqual(['server', 'admin']);
  });

  test('has no CA for a certificate that another one has signed', async () => {
    const [temp, other] = [await tempRoot(), await tempRoot()];
    const { server } = await writeSmallNode(other);
    await writeSmallNode(temp);
    await temp.write('/etc/k/server.crt', server.certificate);
    expect((await leaves(temp)).map(({ authority }) => authority === undefined)).toEqual([true, false]);
  });

  test('finds the CA among former ones, but not in a file for the signer alone', async () => {
    const [temp, other] = [await tempRoot(), await tempRoot()];
    const { ca } = await writeSmallNode(temp);
    const { ca: fresh } = await writeSmallNode(other);
    await temp.write('/etc/k/ca.crt', fresh.pem + ca.pem);
    expect((await leaves(temp))[0]?.authority?.fingerprint256).toBe(
      new X509Certificate(ca.pem).fingerprint256,
    );
    await temp.write('/etc/k/ca.crt', fresh.pem);
    await temp.write('/etc/k/signer.crt', ca.pem);
    const signer = { ca: 'kubernetes', file: fileAt('/etc/k/signer.crt'), single: true } as const;
    const layout = { ...SMALL, authorities: [...SMALL.authorities, signer] };
    expect((await leaves(temp, layout))[0]?.authority).toBeUndefined();
  });

  test('skips missing and damaged files', async () => {
    const temp = await tempRoot();
    await writeSmallNode(temp);
    await temp.disk.remove('/etc/k/server.crt');
    await temp.write(KUBECONFIG, '{');
    expect(await leaves(temp)).toEqual([]);
    await writeSmallNode(temp);
    await temp.write('/etc/k/server.crt', 'no PEM');
    await temp.write('/etc/k/ca.crt', 'no PEM');
    expect(namesOf(await leaves(temp))).toEqual([`admin ${KUBECONFIG}`]);
  });

  test('rejects a damaged kubeconfig that holds the only copy and is not recreated', async () => {
    const temp = await tempRoot();
    await writeSmallNode(temp);
    await temp.write(KUBECONFIG, '{');
    expect(await agentErrorOf(leaves(temp, KEPT))).toMatchObject({ code: 'bad-file' });
  });
});
