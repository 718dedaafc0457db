import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { certificates, trustToken } from '../../test/cloud/client.ts';
import type { Cluster } from '../../test/cloud/cluster.ts';
import { makeCsr } from '../../test/cloud/make-csr.ts';

const generate = promisify(generateKeyPair);

/** Unavoidable parts of a rotation, measured separately on this machine, in milliseconds. */
export type Bounds = { keys: number; cloud: number };

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

const AUTHORITIES = ['kubelet', 'etcd', 'front-proxy'];

/**
 * Measures an RSA 4096 key for each certificate, over all cores, and one login, three CAs and the signatures in
 * parallel.
 */
export async function measureBounds(cluster: Cluster, certificateCount: number): Promise<Bounds> {
  const each = Array.from({ length: certificateCount });
  const keys = await timed(
    async () => await Promise.all(each.map(async () => await generate('rsa', { modulusLength: 4096 }))),
  );
  const csr = makeCsr(await generate('ec', { namedCurve: 'P-256' }), 'bench');
  const cloud = await timed(async () => {
    const { ca, sign } = certificates(cluster, await trustToken(cluster));
    await Promise.all([
      ...AUTHORITIES.map(async (type) => await ca(type)),
      ...each.map(async () => await sign('kubelet', csr)),
    ]);
  });
  return { keys, cloud };
}
