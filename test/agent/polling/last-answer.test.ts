import { expect, test } from 'vitest';
import { EVENTS } from '../../../agent/events.ts';
import { createAnswerKeeper, digestOf, readLastAnswer } from '../../../agent/polling/last-answer.ts';
import { createLog } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

test('logs a disk that stays full once, and again after a success', async () => {
  const home = await tempRoot();
  await home.write('/var/lib/coe-agent/keep', '');
  let isFull = true;
  const disk: typeof home.disk = {
    ...home.disk,
    create: async (...args) => {
      if (isFull) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      await home.disk.create(...args);
    },
  };
  const lines: string[] = [];
  const log = createLog({
    events: EVENTS,
    level: 'debug',
    style: 'json',
    secrets: createSecrets(),
    write: (line) => lines.push(line),
  });
  const keep = createAnswerKeeper({ disk, log }, undefined);
  for (const answer of ['a', 'a', 'b']) await keep(digestOf(answer));
  expect(logged(lines, 'last-answer-unwritten')).toHaveLength(1);
  isFull = false;
  await keep(digestOf('b'));
  expect(await readLastAnswer(home)).toBe(digestOf('b'));
  isFull = true;
  await keep(digestOf('c'));
  expect(logged(lines, 'last-answer-unwritten')).toHaveLength(2);
});
