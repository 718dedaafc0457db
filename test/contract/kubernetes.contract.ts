import { afterAll, beforeAll, describe } from 'vitest';
import { anyUserContract } from './kubernetes-any-user.contract.ts';
import { createKubernetesBench, type KubernetesSubject } from './kubernetes-bench.ts';
import { callsContract } from './kubernetes-calls.contract.ts';
import { clientContract } from './kubernetes-client.contract.ts';
import { holdersContract } from './kubernetes-holders.contract.ts';
import { nodesContract } from './kubernetes-nodes.contract.ts';
import { objectsContract } from './kubernetes-objects.contract.ts';
import { trustContract } from './kubernetes-trust.contract.ts';
import { rollOutContract } from './kubernetes-roll-out.contract.ts';

/** The calls of a re-roll, as Kubernetes 1.20.2 answers them, and the agent's use of them. */
export function kubernetesContract(name: string, open: () => Promise<KubernetesSubject>): void {
  describe(`the Kubernetes API of ${name}`, () => {
    let subject: KubernetesSubject | undefined;
    beforeAll(async () => {
      subject = await open();
      for (const one of ['a', 'b', 'c']) await subject.add('deployments', 'shop', one);
      await subject.add('daemonsets', 'shop', 'agent');
      await subject.add('statefulsets', 'shop', 'db', { replicas: 2 });
      await subject.add('deployments', 'shop', 'none', { replicas: 0 });
    });
    afterAll(async () => {
      await subject?.close();
    });
    const bench = createKubernetesBench(() => {
      if (!subject) throw new Error('not before the tests');
      return subject;
    });
    callsContract(bench);
    rollOutContract(bench);
    clientContract(bench);
    trustContract(bench);
    objectsContract(bench);
    nodesContract(bench);
    anyUserContract(bench);
    holdersContract(bench);
  });
}
