import { expect, test } from 'vitest';
import { createKeptRequests } from '../../../src/files/kept-requests.ts';
import { tempRoot } from '../support/temp-root.ts';

const DIRECTORY = '/state/requests';
const REQUEST = { key: 'key', csr: 'csr' };

test('finds a kept key and CSR again for the same request only, also in the next run', async () => {
  const { disk } = await tempRoot();
  await createKeptRequests(disk, DIRECTORY).keep('kubelet', 'd1', REQUEST);
  const kept = createKeptRequests(disk, DIRECTORY);
  expect(await kept.recall('kubelet', 'd1')).toMatchObject(REQUEST);
  expect(await kept.recall('kubelet', 'd2')).toBeUndefined();
  expect(await kept.recall('proxy', 'd1')).toBeUndefined();
});

test('lets only root read them, and removes them on forget', async () => {
  const { disk, files } = await tempRoot();
  const kept = createKeptRequests(disk, DIRECTORY);
  await kept.keep('kubelet', 'd1', REQUEST);
  expect(await disk.info(DIRECTORY)).toMatchObject({ mode: 0o700 });
  expect(await disk.info(`${DIRECTORY}/kubelet`)).toMatchObject({ mode: 0o600 });
  await kept.forget();
  expect(await files()).toEqual([]);
  await kept.forget();
});

test('ignores a damaged entry: a new key only costs time', async () => {
  const { disk, write } = await tempRoot();
  const kept = createKeptRequests(disk, DIRECTORY);
  for (const content of ['', 'half', '{"digest":"d1","key":"k","csr":"c"}\nwrong\n']) {
    await write(`${DIRECTORY}/kubelet`, content);
    expect(await kept.recall('kubelet', 'd1')).toBeUndefined();
  }
});
