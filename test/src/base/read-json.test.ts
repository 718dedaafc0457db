import * as v from 'valibot';
import { expect, test } from 'vitest';
import { readJson } from '../../../src/base/read-json.ts';
import { tempRoot } from '../support/temp-root.ts';

const Shape = v.object({ since: v.number() });

test.each([
  ['{"since":5}', { since: 5 }],
  ['{"since":"5"}', undefined],
  ['{"since":', undefined],
  [undefined, undefined],
])('reads %s as %j', async (text, expected) => {
  const { disk, write } = await tempRoot();
  if (text !== undefined) await write('/run/x.json', text);
  expect(await readJson(disk, '/run/x.json', Shape)).toEqual(expected);
});
