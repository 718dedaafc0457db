import { expect, test } from 'vitest';
import { eventually } from '../scenarios/support/eventually.ts';
import { annotation, inShop, type KubernetesBench, STRATEGIC } from './kubernetes-bench.ts';

/** The effect of a patch on a workload, and its status until every pod is new. */
export function rollOutContract(bench: KubernetesBench): void {
  const { ask, rolledOut, workload } = bench;

  test.each([
    ['deployments', 'a', 'Deployment'],
    ['daemonsets', 'agent', 'DaemonSet'],
    ['statefulsets', 'db', 'StatefulSet'],
  ] as const)('a patch of %s returns the object with its former status', async (kind, named, itsKind) => {
    await rolledOut(kind, 'shop', named);
    const path = `${inShop(kind)}/${named}?fieldManager=coe-agent`;
    const before = await workload(kind, 'shop', named);
    const { status, body } = await ask('PATCH', path, annotation('1'), STRATEGIC);
    expect({ status, kind: body.kind }).toEqual({ status: 200, kind: itsKind });
    expect(body.metadata).toMatchObject({ generation: before.metadata.generation + 1 });
    expect(body.status).toMatchObject({ observedGeneration: before.metadata.generation });
    expect(body.spec).toMatchObject(annotation('1').spec);
    await rolledOut(kind, 'shop', named);
  });

  test('a patch without a change keeps the generation', async () => {
    const path = `${inShop('deployments')}/b`;
    const first = await ask('PATCH', path, annotation('1'), STRATEGIC);
    await rolledOut('deployments', 'shop', 'b');
    const second = await ask('PATCH', path, annotation('1'), STRATEGIC);
    expect(second.status).toBe(200);
    expect(second.body.metadata?.generation).toBe(first.body.metadata?.generation);
  });

  test('a status omits most numbers that are 0', async () => {
    await rolledOut('deployments', 'shop', 'none');
    const { body } = await ask('GET', `${inShop('deployments')}?limit=500`);
    const [status] = (body.items ?? [])
      .filter(({ metadata }) => metadata.name === 'none')
      .map(({ status }) => status);
    expect(status).toHaveProperty('observedGeneration');
    for (const count of [
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
    ])
      expect(status).not.toHaveProperty(count);
  });

  test('a DaemonSet always contains four of its numbers', async () => {
    await rolledOut('daemonsets', 'shop', 'agent');
    const { body } = await ask('GET', inShop('daemonsets'));
    expect(body.items?.[0]?.status).toMatchObject({ numberMisscheduled: 0 });
    expect(body.items?.[0]?.status).not.toHaveProperty('numberUnavailable');
  });

  test('a StatefulSet that is rolled out has one revision for both', async () => {
    await rolledOut('statefulsets', 'shop', 'db');
    const statusOf = async () => (await ask('GET', inShop('statefulsets'))).body.items?.[0]?.status;
    const path = `${inShop('statefulsets')}/db`;
    const before = await statusOf();
    await ask('PATCH', path, annotation('2'), STRATEGIC);
    await rolledOut('statefulsets', 'shop', 'db');
    await eventually(
      'the revision is the new one',
      async () => {
        const after = await statusOf();
        return (
          after?.['currentRevision'] === after?.['updateRevision'] &&
          after?.['currentRevision'] !== before?.['currentRevision']
        );
      },
      60_000,
    );
    expect(await statusOf()).toMatchObject({
      replicas: 2,
      readyReplicas: 2,
      updatedReplicas: 2,
      currentReplicas: 2,
    });
  });
}
