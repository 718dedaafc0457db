import { expect, test } from 'vitest';
import { type FormerRecord, formerFile, FORMER } from '../../../agent/credentials/former.ts';
import { operationOfWayBack } from '../../../agent/credentials/way-back.ts';
import type { CredentialSet } from '../../../src/files/credential-file.ts';
import { createHands } from '../../fakes/hands.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const LOGIN: CredentialSet = {
  user: 'u1',
  userName: '',
  domain: '',
  password: 'p1',
  trust: 't1',
  region: 'R',
  authUrl: 'http://k/v3',
};

/** Determines the way back of a node with this former login. */
async function wayBack(
  former: Partial<CredentialSet> | undefined,
  over: Partial<FormerRecord> = {},
  trust = 't2',
) {
  const { hands, write } = await createHands();
  const record = { version: 1, id: 'i', at: 0, files: [], inObjects: [], casInObjects: [] } as const;
  if (former)
    await write(
      FORMER,
      formerFile({
        ...record,
        files: [],
        inObjects: [],
        casInObjects: [],
        former: { ...LOGIN, ...former },
        ...over,
      }).content,
    );
  return await operationOfWayBack({ params: new Map([['TRUST_ID', trust]]) }, hands);
}

test('gives every value of the former login, and none that it did not have', async () => {
  expect(await wayBack({})).toEqual({
    kind: 'credentials',
    given: {
      trustee_user_id: 'u1',
      trustee_password: 'p1',
      trust_id: 't1',
      region_name: 'R',
      auth_url: 'http://k/v3',
    },
  });
});

test('restores the former CA bundle if the change has replaced it', async () => {
  expect(await wayBack({}, { formerCa: 'pem' })).toMatchObject({ openstackCa: 'pem' });
});

test('is not possible without a former login', async () => {
  expect(await faultIn(wayBack(undefined))).toEqual({ code: 'precondition', reason: 'no-former' });
});

test('cannot remove a trust from the files', async () => {
  expect(await faultIn(wayBack({ trust: '' }))).toEqual({
    code: 'precondition',
    reason: 'former-without-trust',
  });
  expect((await wayBack({ trust: '' }, {}, '')).given).not.toHaveProperty('trust_id');
});
