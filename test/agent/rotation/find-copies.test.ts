import { symlink } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { findCopiesOf, readCopies } from '../../../agent/rotation/find-copies.ts';
import { kubeconfigOf, SMALL, writeSmallNode } from '../../src/support/small-layout.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

test('finds kubeconfigs beside the files of the layout that hold the same certificates, and what they name', async () => {
  const temp = await tempRoot();
  const { ca, admin, server } = await writeSmallNode(temp);
  await temp.write('/etc/k/copy.conf', kubeconfigOf(ca.pem, admin));
  await temp.write('/srv/server.crt', server.certificate);
  await temp.write('/srv/server.key', server.key);
  await temp.write(
    '/etc/k/paths.conf',
    'clusters: []\nusers: [{ name: u, user: { client-certificate: /srv/server.crt, client-key: /srv/server.key } }]\n',
  );
  await temp.write('/etc/k/other.txt', 'nothing of the node');
  const { paths, left } = await findCopiesOf({ layout: SMALL }, temp);
  expect(paths.toSorted()).toEqual(['/etc/k/copy.conf', '/srv/server.crt', '/srv/server.key']);
  expect(left).toEqual([]);
});

test('finds no copies of an unreadable file of the layout, and no error', async () => {
  const temp = await tempRoot();
  const { ca, admin } = await writeSmallNode(temp);
  await temp.write('/etc/k/copy.conf', kubeconfigOf(ca.pem, admin));
  await temp.disk.remove('/etc/k/server.crt');
  await temp.disk.makeDirectory('/etc/k/server.crt', { mode: 0o700 });
  expect((await findCopiesOf({ layout: SMALL }, temp)).paths).toEqual(['/etc/k/copy.conf']);
});

test('tells of each candidate that cannot be read', async () => {
  const temp = await tempRoot();
  await writeSmallNode(temp);
  await symlink('loop.conf', temp.at('/etc/k/loop.conf'));
  const told: string[] = [];
  await readCopies(SMALL, temp.disk, (path) => told.push(path));
  expect(told).toEqual(['/etc/k/loop.conf']);
});
