import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { certificatesIn, fingerprint } from '../../src/certificates/read.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import { FINGERPRINT, restartWorkloads } from '../../src/services/workloads.ts';
import { createClusterCa } from '../cluster/authority.ts';
import type { KubernetesBench } from './kubernetes-bench.ts';

/** Tests the agent against such an API. */
export function clientContract(bench: KubernetesBench): void {
  const { client, abort, workload } = bench;

  test('the agent lists more than a page, and restarts when the continue token expires', async () => {
    const names = Array.from({ length: 120 }, (_, index) => `w-${String(index).padStart(3, '0')}`);
    for (const named of names) await bench.subject.add('deployments', 'many', named, { replicas: 0 });
    let forgotten = 0;
    const forgetful: AskApi = async (request) => {
      if (forgotten === 0 && request.path.includes('continue=')) {
        forgotten += 1;
        await bench.subject.forgetPlaces();
      }
      return await bench.subject.admin(request);
    };
    const listed = await client(forgetful).list('deployments', 'many', abort);
    expect({ forgotten, names: listed.map(({ metadata }) => metadata.name) }).toEqual({
      forgotten: 1,
      names,
    });
  });

  test('the agent takes the lease, and sees that another holder has it', async () => {
    const api = client();
    const now = Date.now();
    const before = await api.readLease(abort);
    const mine = {
      version: before?.version,
      annotations: { [FINGERPRINT]: 'x' },
      holder: 'm-0',
      until: now + 3_600_000,
    };
    expect(await api.writeLease(mine, abort)).toBe(true);
    expect(await api.writeLease({ ...mine, holder: 'm-1' }, abort)).toBe(false);
    expect(await api.writeLease({ ...mine, version: undefined, holder: 'm-1' }, abort)).toBe(false);
    expect(await api.readLease(abort)).toMatchObject({ holder: 'm-0', until: now + 3_600_000 });
  });

  test(
    'the agent replaces the pods of every workload, and waits for the new ones',
    { timeout: 180_000 },
    async () => {
      const plan = {
        host: '',
        port: 0,
        leaf: '',
        ca: '',
        identity: { certificate: '', key: '' },
        holder: 'm-0',
        namespaces: ['shop'],
        perSecond: 1000,
        deadlineMs: 120_000,
      };
      const notices: string[] = [];
      const hands = {
        clock: systemClock,
        kubernetes: client(),
        fingerprints: (pem: string) => certificatesIn(pem, 'a CA').map(fingerprint),
        notice: (text: string) => notices.push(text),
      };
      const said = await restartWorkloads(plan, bench.subject.podsCa, hands, abort);
      expect({ said, notices }).toMatchObject({
        said: [
          {
            code: 'replaced',
            text: expect.stringContaining('124 deployments, 1 daemonsets, 1 statefulsets') as unknown,
          },
          { code: 'complete' },
        ],
        notices: [],
      });
      const [mark] = hands.fingerprints(bench.subject.podsCa);
      for (const [kind, named] of [
        ['deployments', 'a'],
        ['daemonsets', 'agent'],
        ['statefulsets', 'db'],
      ] as const)
        expect((await workload(kind, 'shop', named)).spec.template.metadata?.annotations).toMatchObject({
          [FINGERPRINT]: mark,
        });
      expect((await client().readLease(abort))?.annotations).toMatchObject({ 'coe-agent/state': 'done' });
      // The second time there is nothing to do.
      expect(await restartWorkloads(plan, bench.subject.podsCa, hands, abort)).toMatchObject([
        { code: 'already', of: 'm-0' },
      ]);
      // The cluster gives its pods another CA than this one.
      const other = createClusterCa('k1').pem;
      const late = restartWorkloads({ ...plan, deadlineMs: 0 }, other, hands, abort);
      await expect(late).rejects.toMatchObject({ code: 'proof' });
    },
  );
}
