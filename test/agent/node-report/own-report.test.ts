import { expect, test } from 'vitest';
import { readOwnReport } from '../../../agent/node-report/own-report.ts';
import { testHands } from '../support/hands.ts';
import { newGeneration, nodeOf, writeCertificates } from '../support/node.ts';

async function reportOf(params: Record<string, string>) {
  const node = nodeOf('worker', params);
  const { hands, write } = await testHands();
  await write(
    hands.config.heat_params,
    [...node.params].map(([key, value]) => `${key}="${value}"\n`).join(''),
  );
  await writeCertificates(node, { write }, newGeneration());
  return await readOwnReport(hands);
}

test('reports a worker of Kubernetes', async () => {
  expect(await reportOf({})).toMatchObject({ version: 1, phase: 'none' });
});

test.each([{ TLS_DISABLED: 'True' }, { SWARM_NODE_IP: '10.0.0.5' }])(
  'is undefined for a node with %o',
  async (params) => {
    expect(await reportOf(params)).toBeUndefined();
  },
);

test('is undefined for a node that is not set up', async () => {
  expect(await readOwnReport((await testHands()).hands)).toBeUndefined();
});
