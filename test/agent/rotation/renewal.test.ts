import { describe, expect, test } from 'vitest';
import { checkRenewal, isClockOff, MOST_SKEW_MS, whyNoLonger } from '../../../agent/rotation/renewal.ts';
import { createClusterCa } from '../../cluster/authority.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { tempRoot, type TempRoot } from '../../src/support/temp-root.ts';
import {
  caOf,
  type Generation,
  newGeneration,
  nodeOf,
  servedOf,
  writeCertificates,
} from '../support/node.ts';

const MISSED = { code: 'precondition', reason: 'rotation-missed' };
const node = nodeOf('master');
const [former, served] = [newGeneration(), newGeneration()];
const [CA, KUBELET] = ['/etc/kubernetes/certs/ca.crt', '/etc/kubernetes/certs/kubelet.crt'];

test.each([
  [undefined, false],
  [MOST_SKEW_MS, false],
  [-MOST_SKEW_MS, false],
  [MOST_SKEW_MS + 1, true],
  [-MOST_SKEW_MS - 1, true],
])('a clock that is %s ms ahead is off: %s', (skewMs, isOff) => {
  expect(isClockOff(skewMs)).toBe(isOff);
});

const nodeWith = async (signs: Generation, trusted: readonly Generation[]): Promise<TempRoot> => {
  const temp = await tempRoot();
  await writeCertificates(node, temp, signs, trusted);
  return temp;
};
const check = async ({ disk }: TempRoot, skewMs?: number): Promise<void> => {
  await checkRenewal(servedOf(node, served), node, { disk, skewMs: () => skewMs });
};

describe('checkRenewal', () => {
  test('passes while Magnum serves the CA of the certificates', async () => {
    await check(await nodeWith(served, [served]));
    await check(await nodeWith(served, [former, served]));
  });

  test('rejects a CA that the node does not trust, or that did not sign', async () => {
    expect(await faultIn(check(await nodeWith(former, [former])))).toEqual(MISSED);
    expect(await faultIn(check(await nodeWith(former, [former, served])))).toEqual(MISSED);
    expect(await faultIn(check(await nodeWith(served, [former])))).toEqual(MISSED);
    expect(await faultIn(check(await tempRoot()))).toEqual(MISSED);
  });

  test('judges a lost or damaged CA file by the certificates', async () => {
    const well = await nodeWith(served, [served]);
    await well.disk.remove(CA);
    await check(well);
    await well.write(CA, 'no PEM');
    await check(well);
    const other = await nodeWith(former, [former]);
    for (const { file } of node.layout.authorities) await other.disk.remove(file.path);
    expect(await faultIn(check(other))).toEqual(MISSED);
  });

  test('ignores a damaged certificate', async () => {
    const temp = await nodeWith(served, [served]);
    await temp.write(KUBELET, 'no PEM');
    await check(temp);
  });

  test('needs a set clock', async () => {
    const temp = await nodeWith(served, [served]);
    expect(await faultIn(check(temp, MOST_SKEW_MS + 1))).toEqual({
      code: 'precondition',
      reason: 'clock-off',
    });
  });
});

const DAY = 86_400_000;
const small = nodeOf('master', {}, { authorities: node.layout.authorities.slice(0, 1) });
const [row] = small.layout.certificates.filter(({ ca }) => ca !== 'etcd' && ca !== 'front-proxy');
if (!row) throw new Error('the layout has a certificate');
const layout = { ...small.layout, certificates: [row], kubeconfigs: [] };
/** A CA and a certificate that were made so many days from now. */
const madeIn = (days: number) => {
  const ca = createClusterCa('k1', () => Date.now() + days * DAY);
  return { ca, ...ca.issue([['CN', 'x']]) };
};

/** Compares a certificate that is made now with one of the same CA or another. */
const compare = async (before: ReturnType<typeof madeIn>, after: ReturnType<typeof madeIn>) => {
  const temp = await tempRoot();
  await temp.write(layout.authorities[0]?.file.path ?? '', before.ca.pem);
  await temp.write(row.files?.certificate.path ?? '', before.cert);
  const material = {
    authorities: new Map([[row.ca, after.ca.pem] as const]),
    certificates: new Map([[row.name, { certificate: after.cert, key: after.key }]]),
  };
  return await whyNoLonger(material, { ...small, layout }, temp);
};

describe('whyNoLonger', () => {
  test('accepts certificates that end later, and discards the others', async () => {
    const [now, later] = [madeIn(0), madeIn(100)];
    expect(await compare(now, later)).toBeUndefined();
    expect(await compare(now, now)).toBeDefined();
    expect(await compare(later, now)).toBeDefined();
  });

  test('counts a certificate only as long as its CA', async () => {
    const now = madeIn(0);
    const outliving = { ...now, ...madeIn(100), ca: now.ca };
    expect(await compare(now, outliving)).toBeDefined();
  });
});

test('an own certificate of another CA with the same name is not that of the served one', async () => {
  const temp = await tempRoot();
  await writeCertificates(node, temp, served);
  await temp.write(KUBELET, caOf(former, 'kubernetes').issue([['CN', 'system:node:x']]).cert);
  // Its signer is unknown here: the inventory reports it, and a renewal replaces it.
  await checkRenewal(servedOf(node, served), node, { disk: temp.disk, skewMs: () => undefined });
});
