import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { certificatesIn, fingerprint, oneCertificate } from '../../src/certificates/read.ts';
import { createKubernetes } from '../../src/services/kubernetes.ts';
import { restartWorkloads, type Rolled, type WorkloadsPlan } from '../../src/services/workloads.ts';
import type { Hands } from '../hands.ts';

const CALL = { baseMs: 500, capMs: 15_000 };

/**
 * Restarts the cluster's workloads through this node's API server. What keeps them from it is told and no more: the
 * node has its certificates, and a failure here would have Heat take back those of other nodes.
 *
 * @throws `aborted` when the program is to stop: the next start goes on
 */
export async function restartClusterWorkloads(
  plan: WorkloadsPlan,
  hands: Hands,
  abort: AbortSignal,
): Promise<{ isDone: boolean; said: Rolled[] }> {
  const notice = (text: string): void => {
    hands.progress({ event: 'notice', code: 'workloads', text });
  };
  try {
    return { isDone: true, said: await throughApi(plan, notice, hands, abort) };
  } catch (error) {
    if (codeOf(error) === 'aborted') throw error;
    const why = `the workloads have not all been restarted: ${explain(error)}`;
    notice(why);
    return { isDone: false, said: [{ code: 'failed', text: why }] };
  }
}

const fingerprints = (pem: string): string[] => certificatesIn(pem, 'a CA').map(fingerprint);

async function throughApi(
  plan: WorkloadsPlan,
  notice: (text: string) => void,
  { disk, clock, retry, secrets, openKubernetes }: Hands,
  abort: AbortSignal,
): Promise<Rolled[]> {
  const read = async (path: string): Promise<string> => (await disk.read(path)).toString('utf8');
  const trusted = await read(plan.ca);
  const leaf = oneCertificate(await read(plan.leaf), plan.leaf);
  // One of them, by its key: all have the same name, and OpenSSL would try the first alone.
  const signer = certificatesIn(trusted, plan.ca).find(({ publicKey }) => leaf.verify(publicKey));
  if (!signer) throw new AgentError('bad-certificate', `${plan.leaf} is signed by no CA in ${plan.ca}`);
  const key = await read(plan.identity.key);
  secrets.addPassing(key);
  const api = openKubernetes({
    host: plan.host,
    port: plan.port,
    ca: signer.toString(),
    presents: leaf.fingerprint256,
    client: { cert: await read(plan.identity.certificate), key },
  });
  try {
    const kubernetes = createKubernetes(api.ask, retry, { ...CALL, forMs: plan.deadlineMs });
    return await restartWorkloads(plan, trusted, { clock, kubernetes, fingerprints, notice }, abort);
  } finally {
    api.close();
  }
}
