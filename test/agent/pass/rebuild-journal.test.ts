import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Disk } from '../../../src/base/disk.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { createSite } from '../../scenarios/support/site.ts';
import { Killed } from '../../src/files/killed-at.ts';

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';
const GENERATION = '/var/lib/coe-agent/generation';
const TOOLS = `clusters: []
users: [{ name: u, user: { client-certificate: /srv/one.pem, client-key: /srv/two.pem } }]
`;

/** Kills the program when every new file is staged, and only some old files are copied. */
function killWhileKeeping(folder: string) {
  const copies = join(GENERATION, 'previous', encodeURIComponent(folder));
  let isKilled = false;
  let isOver = false;
  const disk = (real: Disk): Disk => ({
    ...real,
    create: async (path, ...rest) => {
      isKilled ||= !isOver && path.startsWith(copies);
      if (isKilled && (path.startsWith(copies) || path.startsWith(`${GENERATION}/.`))) throw new Killed();
      await real.create(path, ...rest);
    },
    // Other files are still being staged in parallel: until then there is nothing to remove.
    remove: async (path) => {
      if (isKilled && (await real.info(path))) throw new Killed();
      await real.remove(path);
    },
  });
  const startAgain = (): void => {
    isOver = true;
    isKilled = false;
  };
  return { instrument: { disk }, isKilled: () => isKilled, startAgain };
}

test("renames staged copies into place, also outside of the layout's directories", async () => {
  const { instrument, isKilled, startAgain } = killWhileKeeping('/srv/');
  const site = await createSite(cloud, { role: 'master', instrument });
  const { node } = site;
  await node.write('/srv/one.pem', await node.read(`${CERTS}/admin.crt`));
  await node.write('/srv/two.pem', await node.read(`${CERTS}/admin.key`));
  await node.write('/etc/kubernetes/tools.conf', TOOLS);
  await cloud.rotateCa(site.cluster);
  await expect(site.pass()).rejects.toThrow();
  expect(isKilled()).toBe(true);

  await node.write(`${GENERATION}/journal`, 'damaged', 0o600);
  startAgain();
  expect(await site.pass()).toMatchObject({ problems: [], open: [] });
  for (const [copy, original] of [
    ['one', 'admin.crt'],
    ['two', 'admin.key'],
  ]) {
    expect(await node.read(`/srv/${copy}.pem`)).toBe(await node.read(`${CERTS}/${original}`));
    expect(existsSync(join(node.root, `/srv/.${copy}.pem.coe-agent`))).toBe(false);
  }
});
