import { expect, test } from 'vitest';
import { readOwners } from '../../../src/files/owners.ts';
import { tempRoot } from '../support/temp-root.ts';

test("resolves names in the node's own files, reports an unknown one once, and uses root for it", async () => {
  const { disk, write } = await tempRoot();
  await write(
    '/etc/passwd',
    'root:x:0:0:root:/root:/bin/sh\nkube:x:998:996::/:/sbin/nologin\nbroken\n:x:5:5\nodd:x:abc:1\n',
  );
  await write('/etc/group', 'root:x:0:\nkube_etcd:x:997:kube,etcd\n');
  const unknown: string[] = [];
  const find = await readOwners(disk, (kind, name) => unknown.push(`${kind} ${name}`));
  expect(find('kube', 'kube_etcd')).toEqual({ uid: 998, gid: 997 });
  expect(find('etcd', 'kube')).toEqual({ uid: 0, gid: 0 });
  expect(find('etcd', 'kube')).toEqual({ uid: 0, gid: 0 });
  expect(find('odd', 'root')).toEqual({ uid: 0, gid: 0 });
  expect(unknown).toEqual(['user etcd', 'group kube', 'user odd']);
});

test('knows only root without these files, and reports nothing', async () => {
  const { disk } = await tempRoot();
  const unknown: string[] = [];
  const find = await readOwners(disk, (kind, name) => unknown.push(`${kind} ${name}`));
  expect(find('root', 'root')).toEqual({ uid: 0, gid: 0 });
  expect(unknown).toEqual([]);
});
