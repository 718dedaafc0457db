import { describe, expect, test } from 'vitest';
import { lookAtGeneration, lookAtRecords, lookAtRotation } from '../../../agent/inspection/records.ts';
import { stageFile } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-11-29T02:20:00Z');
const holder = (verb: string) => ({ name: `agent ${verb} (pid 7)`, verb, since: NOW - 900 * MINUTE });

/** Looks at a run while the verb that started it holds the lock. */
async function lookAtRun(begun: number, verb: string | undefined) {
  const site = await createHands();
  await stageFile(site, { begun });
  const activity = { entries: [], now: NOW, deadlineMs: 20 * MINUTE };
  return await lookAtGeneration(site.hands, { ...activity, holder: verb ? holder(verb) : undefined });
}

describe("a run of the lock's holder that no deployment requested", () => {
  test('is under way within its deadline', async () => {
    expect(await lookAtRun(NOW - 19 * MINUTE, 'run')).toMatchObject([
      { id: 'generation', verdict: 'warning', reason: 'under-way' },
    ]);
  });

  test.each([
    ['run', 'systemctl restart coe-agent'],
    ['run-once', 'agent status'],
  ])('is overdue after it: agent %s', async (verb, next) => {
    expect(await lookAtRun(NOW - 21 * MINUTE, verb)).toMatchObject([
      { id: 'generation', verdict: 'bad', reason: 'overdue', next },
    ]);
  });

  test('is interrupted without that process', async () => {
    expect(await lookAtRun(NOW - 19 * MINUTE, undefined)).toMatchObject([
      { id: 'generation', verdict: 'bad', reason: 'interrupted' },
    ]);
  });
});

describe('a rotation between two phases', () => {
  const NOTE = { code: 'retire-is-next', message: 'retire it' } as const;
  const state = { phase: 'reissue' as const, notes: [NOTE] };

  test('is a warning if no step is awaited, and for an hour after its deadline', () => {
    for (const due of [undefined, NOW + 1, NOW - 60 * MINUTE])
      expect(lookAtRotation(state, due, NOW)).toMatchObject([
        { id: 'rotation', of: 'reissue', verdict: 'warning', reason: 'retire-is-next' },
      ]);
  });

  test('is then overdue', () => {
    expect(lookAtRotation(state, NOW - 61 * MINUTE, NOW)).toMatchObject([
      { id: 'rotation', of: 'reissue', verdict: 'bad', reason: 'overdue', next: 'agent status' },
    ]);
  });

  test('has ended if only one CA is trusted', () => {
    expect(lookAtRotation({ phase: null, notes: [] }, NOW - 61 * MINUTE, NOW)).toMatchObject([
      { verdict: 'good' },
    ]);
  });

  test.each([
    ['rotation-held', 'agent rotation continue'],
    ['old-ca-in-use', 'agent status --json'],
  ] as const)('%s has a command of its own', (code, next) => {
    expect(lookAtRotation({ ...state, notes: [{ ...NOTE, code }] }, undefined, NOW)).toMatchObject([
      { reason: code, next },
    ]);
  });
});

test('reports each damaged record with the command that removes it, and ignores an unfinished one', async () => {
  const { hands, write } = await createHands();
  await write('/var/lib/coe-agent/polling.json', '{');
  await write('/var/lib/coe-agent/.rotation.json', '{');
  const path = '/var/lib/coe-agent/polling.json';
  expect(await lookAtRecords(hands)).toMatchObject([
    { id: 'record', of: path, verdict: 'bad', reason: 'damaged', next: `mv ${path} ${path}.damaged` },
  ]);
});
