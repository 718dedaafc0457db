import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  isGraceOver,
  keptFile,
  keptText,
  readKept,
  readKeys,
  signedBy,
  SERVICE_ACCOUNT,
} from '../../../agent/rotation/service-account.ts';
import { EVENTS } from '../../../agent/events.ts';
import { createLog } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { testClock } from '../../src/support/clock.ts';
import { agentErrorOf, thrownBy } from '../../src/support/outcome-of.ts';
import { fileAt, SMALL } from '../../src/support/small-layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const KEYS = {
  leaving: [{ key: 'old public key', until: 7 }],
  next: { publicKey: 'next public key', privateKey: 'next private key' },
};

function logInto(lines: string[]) {
  const secrets = createSecrets();
  const write = (line: string): void => {
    lines.push(line);
  };
  return { secrets, log: createLog({ events: EVENTS, level: 'debug', style: 'json', secrets, write }) };
}

const DAMAGED = keptText(KEYS).replace('7', '8');

test('reads the record of keys as written, which only its owner may read', async () => {
  const { disk, write } = await tempRoot();
  expect(await readKept({ disk })).toBeUndefined();
  await write(SERVICE_ACCOUNT, keptText({ ...KEYS, heldBy: 'n/a' }));
  expect(await readKept({ disk })).toEqual({ ...KEYS, heldBy: 'n/a' });
  expect(keptFile(KEYS)).toMatchObject({ content: keptText(KEYS), mode: 0o600 });
});

test('reports a damaged record when it is read, and keeps the keys in the files', async () => {
  const { disk, write } = await tempRoot();
  await write(SERVICE_ACCOUNT, DAMAGED);
  await write('/etc/k/sa.key', 'private');
  await write('/etc/k/sa.pub', 'public');
  expect(await agentErrorOf(readKept({ disk }))).toMatchObject({ code: 'state' });
  const lines: string[] = [];
  const layout = {
    ...SMALL,
    serviceAccount: {
      privateKeyFile: fileAt('/etc/k/sa.key'),
      publicKeyFile: fileAt('/etc/k/sa.pub'),
      verifiers: [],
      signers: [],
    },
  };
  expect(await readKeys(layout, { disk, ...logInto(lines) })).toEqual({
    privateKey: 'private',
    publicKeys: 'public',
    leaving: [],
    next: undefined,
  });
  expect(logged(lines, 'service-account-record-damaged')).toHaveLength(1);
});

test('masks the next signing key', async () => {
  const { disk, write } = await tempRoot();
  await write(SERVICE_ACCOUNT, keptText(KEYS));
  const { secrets, log } = logInto([]);
  await readKeys(SMALL, { disk, secrets, log });
  expect(secrets.redact('the next private key')).not.toContain('next private key');
});

test('ends a grace in time, unless files are being replaced or the record is damaged', async () => {
  const { disk, write } = await tempRoot();
  const clock = testClock();
  const isOver = async (underWay = false): Promise<boolean> =>
    await isGraceOver({
      disk,
      clock,
      generations: { underWay: async () => await Promise.resolve(underWay) },
    });
  expect(await isOver()).toBe(false);
  await write(SERVICE_ACCOUNT, keptText({ ...KEYS, leaving: [{ key: 'k', until: clock.now() + 1 }] }));
  expect(await isOver()).toBe(false);
  clock.advance(1);
  expect(await isOver()).toBe(true);
  expect(await isOver(true)).toBe(false);
  await write(SERVICE_ACCOUNT, DAMAGED);
  expect(await isOver()).toBe(false);
});

test("reads no token's key on a node without a signing key", () => {
  const keys = { privateKey: undefined, publicKeys: undefined, leaving: [], next: undefined };
  expect(thrownBy(() => signedBy(keys))).toMatchObject({ code: 'precondition' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const known = { ...keys, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
  expect(signedBy(known)('no token')).toBe('none');
});
