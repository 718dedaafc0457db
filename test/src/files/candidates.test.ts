import { chmod, chown, symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { findCandidates, pathsOf, readBeside, readCopy } from '../../../src/files/candidates.ts';
import { createCa, openssl } from '../support/openssl.ts';
import { SMALL } from '../support/small-layout.ts';
import { tempRoot } from '../support/temp-root.ts';

const nobody = (path: string): never => {
  throw new Error(`${path} was passed over`);
};

test("finds files by name in the layout's directories and above, and root's kubeconfig", async () => {
  const { disk, write, at } = await tempRoot();
  for (const path of pathsOf(SMALL)) await write(path, '');
  const found = ['/etc/k/admin.kubeconfig', '/etc/k/front.pem', '/etc/k/my-kubeconfig', '/root/.kube/config'];
  for (const path of [...found, '/etc/k/notes.txt', '/etc/other.pem', '/etc/k/deep/x.pem'])
    await write(path, '');
  await symlink('front.pem', at('/etc/k/link.pem'));
  await symlink('server.crt', at('/etc/k/own.pem'));
  expect((await findCandidates(disk, SMALL, nobody)).toSorted()).toEqual(found);
});

test('reads DER as PEM, and ignores files that are too large', async () => {
  const { disk, write, at } = await tempRoot();
  const { pem } = await createCa();
  await write('/etc/k/a.pem', pem);
  await openssl(['x509', '-in', at('/etc/k/a.pem'), '-outform', 'DER', '-out', at('/etc/k/a.der')]);
  expect(await readCopy(disk, '/etc/k/a.pem', nobody)).toMatchObject({
    text: pem,
    isDer: false,
    isTrusted: true,
  });
  expect(await readCopy(disk, '/etc/k/a.der', nobody)).toMatchObject({ text: pem, isDer: true });
  await write('/etc/k/large.pem', 'x'.repeat(1024 * 1024 + 1));
  for (const path of ['/etc/k/large.pem', '/etc/k/none.pem', '/etc/k'])
    expect(await readCopy(disk, path, nobody)).toBeUndefined();
});

test.runIf(process.getuid?.() === 0)(
  "accepts a file in another user's directory if that user or root owns it",
  async () => {
    const { disk, write, at } = await tempRoot();
    for (const name of ['own', 'root', 'stranger']) await write(`/etc/k/${name}.pem`, name);
    await chown(at('/etc/k'), 301, 301);
    await chown(at('/etc/k/own.pem'), 301, 301);
    await chown(at('/etc/k/stranger.pem'), 302, 302);
    const passed: string[] = [];
    const passOver = (path: string): void => {
      passed.push(path);
    };
    const read = async (name: string) => await readCopy(disk, `/etc/k/${name}.pem`, passOver);
    expect(await read('own')).toMatchObject({ text: 'own', isTrusted: false });
    expect(await read('root')).toMatchObject({ text: 'root' });
    expect(await read('stranger')).toBeUndefined();
    expect(passed).toEqual(['/etc/k/stranger.pem']);
    const beside = await readBeside(disk, ['/etc/k', '/etc/k'], new Set(['/etc/k/own.pem']), passOver);
    expect([...beside.keys()]).toEqual(['/etc/k/root.pem']);
  },
);

test('does not trust a file that others can change', async () => {
  const { disk, write, at } = await tempRoot();
  await write('/etc/k/a.pem', '');
  await chmod(at('/etc/k/a.pem'), 0o666);
  expect(await readCopy(disk, '/etc/k/a.pem', nobody)).toMatchObject({ isTrusted: false });
});
