import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bench, createBench } from './bench.ts';
import { accepted } from './disk-fault.ts';
import { BROKEN } from './ending.ts';
import { createScenario } from './kill.ts';
import { GOING_BACK } from './scenarios.ts';
import { withRunner } from './sweep.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(async () => {
  await bench.close();
});

test.each([
  ['while the old files come back', 'after rename .*certs/server.crt$'],
  ['when they are back', 'before restart etcd'],
  ['twice', 'after rename .*certs/server.crt$', 'before restart etcd'],
])('killed %s, it still tells Heat which unit it was for', { timeout: 120_000 }, async (_, ...kills) => {
  const one = await createScenario(bench, GOING_BACK);
  try {
    await withRunner(async (runner) => {
      const { root } = one.node;
      for (const [index, kill] of kills.entries()) {
        const killWhere = index === 0 ? [`restart ${BROKEN}`, kill] : [kill];
        expect(await runner.run(root, { killWhere })).toMatchObject({ killed: true });
      }
      one.node.units.mend(BROKEN);
      await runner.run(root);
    });
    const [told] = accepted(one);
    expect(told).toMatchObject({ deploy_status_code: 1 });
    expect(told?.['deploy_stderr']).toMatch(
      new RegExp(
        `restarting the unit ${BROKEN}: it failed to start.*the old certificates are back and served`,
        's',
      ),
    );
  } finally {
    await one.close();
  }
});
