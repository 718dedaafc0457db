import { chmod } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { lookAtPermissions } from '../../../agent/inspection/permissions.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const PATH = '/etc/coe-agent/agent.yaml';

async function look(text: string, mode: number, isSecret = false) {
  const { disk, write } = await tempRoot();
  await write(PATH, text, mode);
  return await lookAtPermissions(PATH, isSecret, disk);
}

test('a missing file has no finding', async () => {
  expect(await lookAtPermissions(PATH, true, (await tempRoot()).disk)).toEqual([]);
});

test.each([
  ['keys: ec-p256\n', 0o644, false],
  ['password: geheim\n', 0o600, false],
  ['anything', 0o600, true],
])('accepts %j with mode %o', async (text, mode, isSecret) => {
  expect(await look(text, mode, isSecret)).toMatchObject([{ id: 'permissions', of: PATH, verdict: 'good' }]);
});

test.each([
  ['password: geheim\n', 0o644],
  ['secret_access_key = x\n', 0o640],
  ['metadata_url: http://o/x?temp_url_sig=1&temp_url_expires=2\n', 0o604],
])('reports a secret that others can read: %j with mode %o', async (text, mode) => {
  const [finding, ...others] = await look(text, mode);
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ verdict: 'bad', reason: 'readable', next: `chmod 600 ${PATH}` });
  expect(finding?.what).not.toContain('geheim');
});

test('treats a file as secret, whatever it contains', async () => {
  expect(await look('nothing', 0o644, true)).toMatchObject([{ reason: 'readable' }]);
});

test('reports what others can write, by the topmost part of its path', async () => {
  expect(await look('x', 0o622)).toMatchObject([
    { verdict: 'bad', reason: 'writable', next: `chown root:root ${PATH} && chmod go-w ${PATH}` },
  ]);
  const { disk, write, at } = await tempRoot();
  await write(PATH, 'x', 0o666);
  await chmod(at('/etc/coe-agent'), 0o777);
  expect(await lookAtPermissions(PATH, false, disk)).toMatchObject([
    { reason: 'writable', next: 'chown root:root /etc/coe-agent && chmod go-w /etc/coe-agent' },
  ]);
});
