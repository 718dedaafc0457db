import { expect, test } from 'vitest';
import { openNotebook } from '../../../agent/metrics/observations.ts';
import type { Progress } from '../../../agent/progress.ts';
import { DONE } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';

const done = (code: 'issue' | 'stage', seconds: number): Progress => ({
  event: 'done',
  step: { code, text: code },
  ms: seconds * 1000,
});

test.each([
  ['phase-done', true],
  ['phase-failed', false],
] as const)('notes the steps of a phase that the node takes by itself (%s)', async (event, succeeded) => {
  const { hands } = await createHands();
  const notebook = await openNotebook(hands);
  const watched = notebook.watch(hands);
  hands.log('phase-started', { phase: 'reissue' });
  watched.progress(done('issue', 2));
  hands.log(event, { phase: 'reissue' });
  const steps = [{ step: 'issue', of: undefined, seconds: 2 }];
  expect(notebook.noted.rotation).toEqual({ ended: hands.clock.now() / 1000, succeeded, steps });

  // Later steps belong to a deployment, or to none.
  watched.progress(done('stage', 1));
  notebook.ended([]);
  expect(notebook.noted.rotation?.steps).toEqual(steps);
});

test('notes the steps of a deployed rotation, and of no other deployment', async () => {
  const { hands } = await createHands();
  const notebook = await openNotebook(hands);
  const watched = notebook.watch(hands);
  for (const [id, code] of [
    ['rotation', 'issue'],
    ['list', 'stage'],
  ] as const) {
    watched.progress({ event: 'deployment', id, text: id });
    watched.progress(done(code, 3));
  }
  notebook.ended([
    { id: 'rotation', outcome: DONE },
    { id: 'list', outcome: DONE },
  ]);
  expect(notebook.noted.rotation?.steps).toMatchObject([{ step: 'issue', seconds: 3 }]);
});
