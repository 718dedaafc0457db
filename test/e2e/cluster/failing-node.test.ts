import { createPublicKey } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { presented } from '../../../scripts/load.d/look-at-leaves.ts';
import { PORTS } from './admission.ts';
import {
  configurePhase,
  installAgent,
  type Node,
  nodeFolder,
  nodes,
  onNode,
  renewKubeconfig,
  rotate,
  sentServiceAccountKey,
} from './magnum-cluster.ts';
import { fingerprintsOf, type Material, materialOf, serviceAccountKeys } from './material.ts';
import { type ProbePod, startProbePod } from './probe-pod.ts';
import { describeRotation, ROTATION_MS } from './rotation-suite.ts';

/**
 * Heat rolls the stack back when one node fails; the next rotation repairs every node. The nodes rotate in one step (phase
 * `all`): in phases, the worker would fail after Heat has its answer.
 */

const DROP_IN = '/etc/systemd/system/kubelet.service.d/fail.conf';
const CERTIFICATE = '/etc/kubernetes/certs/kubelet.crt';
const FORMER = '/root/kubelet.crt';

let pod: ProbePod;
beforeAll(async () => {
  await installAgent();
  await configurePhase('all');
  pod = await startProbePod();
});
afterAll(async () => {
  await configurePhase(undefined);
  await pod?.close();
});

describe("a rotation after which the worker's kubelet does not start", () => {
  let master: Node;
  let worker: Node;
  let before: Material;
  let status: string;
  beforeAll(async () => {
    const [first, last, ...more] = await nodes();
    if (first?.role !== 'master' || last?.role !== 'worker' || more.length > 0)
      throw new Error('this wants a cluster with one master and one worker');
    [master, worker] = [first, last];
    before = await materialOf(worker);
    await onNode(worker, 'cp', CERTIFICATE, FORMER);
    await onNode(worker, 'mkdir', '-p', dirname(DROP_IN));
    await writeFile(nodeFolder(worker, DROP_IN), `[Service]\nExecStartPre=cmp ${FORMER} ${CERTIFICATE}\n`);
    await onNode(worker, 'systemctl', 'daemon-reload');
    status = await rotate();
    // The master has the new CA.
    await renewKubeconfig();
  }, ROTATION_MS);
  afterAll(async () => {
    await onNode(worker, 'rm', DROP_IN);
    await onNode(worker, 'systemctl', 'daemon-reload');
  });

  test('ends as ROLLBACK_COMPLETE', () => {
    expect(status).toBe('ROLLBACK_COMPLETE');
  });

  test("restores the worker's former files and certificates", async () => {
    const is = await materialOf(worker);
    expect(fingerprintsOf(is)).toEqual(fingerprintsOf(before));
    const leaf = is.leaves.find(({ path }) => path === CERTIFICATE);
    const served = await presented(worker.address, PORTS.worker.kubelet);
    expect(served.fingerprint256).toBe(leaf?.certificate.fingerprint256);
  });

  test('returns to the former pair for tokens on the master, which had succeeded', async () => {
    const sent = createPublicKey(await sentServiceAccountKey(master));
    expect((await serviceAccountKeys(master)).signing.equals(sent)).toBe(true);
  });
});

describeRotation('the next rotation', () => pod);
