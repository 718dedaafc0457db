import { expect, test } from 'vitest';
import type { Instrument } from '../../agent/compose.ts';
import { AgentError } from '../../src/base/errors.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { createSite } from './support/site.ts';

/** Single unusable files; the crash tests make every call fail, once or permanently. */
const cloud = await cloudForFile();

const KEY = '/etc/kubernetes/certs/proxy.key';

const refusing = (doing: string, path: string): never => {
  throw new AgentError('disk', `${doing} ${path}: not permitted: immutable file, or not root (EPERM)`);
};

/** Makes a file immutable after the preflight has checked it. */
const cannotBeReplaced: Instrument = {
  disk: (real) => ({
    ...real,
    rename: async (from, to) => {
      if (to === KEY) refusing('renaming', to);
      await real.rename(from, to);
    },
  }),
};

/** Reports a file as immutable, as the kernel does; test/src/base/real-disk.test.ts asks the kernel. */
const isSealed: Instrument = {
  disk: (real) => ({ ...real, sealed: async (path) => await Promise.resolve(path === KEY) }),
};

const cannotBeRead: Instrument = {
  disk: (real) => ({
    ...real,
    snapshot: async (path) => (path === KEY ? refusing('reading', path) : await real.snapshot(path)),
  }),
};

test.each([
  [
    'replaced, as detected beforehand',
    isSealed,
    /proxy\.key cannot be replaced: it is immutable \(chattr -i\)/,
  ],
  ['replaced', cannotBeReplaced, /renaming .*proxy\.key.*the old certificates are restored and served/s],
  ['read', cannotBeRead, /reading .*proxy\.key/],
])(
  'leaves the node unchanged and not stuck if a file cannot be %s, and reports the reason to Heat',
  async (_, instrument, why) => {
    // The first certificates are made before the fault is armed.
    let isArmed = false;
    const site = await createSite(cloud, {
      instrument: { disk: (real) => (isArmed ? (instrument.disk?.(real) ?? real) : real) },
    });
    isArmed = true;
    const before = await site.files();
    await cloud.rotateCa(site.cluster);
    await site.pass();
    expect(await site.files()).toEqual(before);
    const [signal] = site.signals();
    expect(signal?.body).toMatchObject({ deploy_status_code: 1 });
    expect(signal?.body?.['deploy_stderr']).toMatch(why);
    // No work is left, and nothing to restore.
    expect(await site.pass()).toMatchObject({ settled: [], open: [] });
    expect([...(await site.files('/var/lib/coe-agent/generation')).keys()]).not.toContain(
      '/var/lib/coe-agent/generation/journal',
    );
  },
);

const KIB = 1024;

/** Sets the free space of each file system; a worker replaces five files. */
const withRoom = (room: (directory: string) => { bytes: number; device: number }): Instrument => ({
  disk: (real) => ({
    ...real,
    room: async (path) => ({ ...(await real.room(path)), ...room(path) }),
  }),
});

test.each([
  [
    'the state is on a full file system of its own',
    (path: string) => (path.startsWith('/var') ? { device: 2, bytes: 200 * KIB } : { device: 1, bytes: 1e9 }),
    '/var/lib/coe-agent has only 200 KiB left',
  ],
  [
    'everything is on one with room for the certificates or their copies, but not for both',
    () => ({ device: 1, bytes: 700 * KIB }),
    '/etc/kubernetes/certs has only 700 KiB left',
  ],
])('detects before it makes a key that %s', async (_, room, words) => {
  let isArmed = false;
  const instrument = withRoom(room);
  const site = await createSite(cloud, {
    instrument: { disk: (real) => (isArmed ? (instrument.disk?.(real) ?? real) : real) },
  });
  isArmed = true;
  const signings = (): number =>
    cloud.requests.filter(({ service, method }) => service === 'magnum' && method === 'POST').length;
  await cloud.rotateCa(site.cluster);
  const before = signings();
  await site.pass();
  expect(site.signals()[0]?.body?.['deploy_stderr']).toContain(words);
  expect(signings()).toBe(before);
});
