import { expect, test } from 'vitest';
import {
  dropFormer,
  FORMER,
  keepFormer,
  noteReplaced,
  readFormer,
} from '../../../agent/credentials/former.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import type { Change, CredentialSet } from '../../../src/files/credential-file.ts';
import { testClock } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const loginOf = (word: string): CredentialSet => ({
  user: `user-${word}`,
  userName: word,
  domain: 'd',
  password: `password-${word}`,
  trust: `trust-${word}`,
  region: 'R',
  authUrl: 'http://k/v3',
});
const [FIRST, SECOND, THIRD] = [loginOf('first'), loginOf('second'), loginOf('third')];
const change = (old: CredentialSet, fresh: CredentialSet): Change => ({
  old,
  fresh,
  given: ['password', 'trust'],
});
const ONLY_CA: Change = { old: SECOND, fresh: SECOND, given: [] };

/** Makes a node on which changes are recorded as their generation does. */
async function recorder(hasApi = true) {
  const { disk, write } = await tempRoot();
  const hands = { disk, secrets: createSecrets(), clock: testClock() };
  const keep = async (one: Change, ca?: string) => {
    const file = await keepFormer({ change: one, files: [], ca }, hasApi, hands);
    expect(file).toMatchObject({ path: FORMER, mode: 0o600 });
    await write(FORMER, file.content);
    return await readFormer(hands);
  };
  return { hands, keep, write };
}

test('keeps the last login, and every login that objects may hold, newest first', async () => {
  const { keep } = await recorder();
  expect(await keep(change(FIRST, SECOND))).toMatchObject({ former: FIRST, inObjects: [FIRST] });
  const twice = await keep(change(SECOND, THIRD));
  expect(twice).toMatchObject({ former: SECOND, inObjects: [SECOND, FIRST] });
});

test('keeps the former login if only the CA bundle changes', async () => {
  const { keep } = await recorder();
  await keep(change(FIRST, SECOND));
  expect(await keep(ONLY_CA, 'old bundle')).toMatchObject({
    former: FIRST,
    formerCa: 'old bundle',
    inObjects: [FIRST],
    casInObjects: ['old bundle'],
  });
});

test('a node that changes no objects waits for none', async () => {
  const { hands, keep } = await recorder(false);
  expect(await keep(change(FIRST, SECOND), 'old bundle')).toMatchObject({ inObjects: [], casInObjects: [] });
  expect(await dropFormer(hands)).toBe(true);
  expect(await dropFormer(hands)).toBe(false);
});

test('is dropped only once no object can hold it', async () => {
  const { hands, keep } = await recorder();
  const record = await keep(change(FIRST, SECOND));
  if (!record) throw new Error('there is a record');
  expect(await faultIn(dropFormer(hands))).toEqual({ code: 'precondition', reason: 'objects-pending' });
  await noteReplaced(record, hands);
  expect(await readFormer(hands)).toMatchObject({ former: FIRST, inObjects: [] });
  expect(await dropFormer(hands)).toBe(true);
});

test('redacts every password that it has read', async () => {
  const { hands, keep } = await recorder();
  await keep(change(FIRST, SECOND));
  await keep(change(SECOND, THIRD));
  // As after a restart.
  const secrets = createSecrets();
  await readFormer({ ...hands, secrets });
  expect(secrets.redact(`${FIRST.password} ${SECOND.password}`)).toBe('*** ***');
});

test('a damaged record has no way back, and can be dropped', async () => {
  const { hands, write } = await recorder();
  await write(FORMER, '{');
  expect(await readFormer(hands)).toBeUndefined();
  expect(await dropFormer(hands)).toBe(true);
});
