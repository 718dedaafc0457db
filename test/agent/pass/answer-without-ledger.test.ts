import { describe, expect, test } from 'vitest';
import { logged } from '../../scenarios/support/logged.ts';
import type { Instrument } from '../../../agent/compose.ts';
import { tellUnrecorded } from '../../../agent/pass/answer-without-ledger.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { RunState } from '../../../src/hooks/runs.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { faultsOfSet } from '../../crash/certificate-set.ts';
import { NEVER } from '../../src/support/clock.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { runLoop } from '../../scenarios/support/daemon.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { ORDER, RUNNING } from '../support/script-run.ts';

/** The disk with the agent's records fails permanently or temporarily. */
const cloud = await cloudForFile();

type StateDisk = {
  instrument: Instrument;
  /** Rejects every write from now on. */
  fails(): void;
  isMended(): void;
  /** Rejects every write after a file has been replaced this many times. */
  failsAfterReplacing(path: string, times?: number): void;
};

const STATE = '/var/lib/coe-agent';

function createStateDisk(words: string, folder = STATE): StateDisk {
  let isBroken = false;
  let last: { path: string; times: number } | undefined;
  const writing = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    if (isBroken && path.startsWith(folder)) throw new AgentError('disk', `writing ${path}: ${words}`);
    return await work();
  };
  return {
    fails: () => (isBroken = true),
    isMended: () => (isBroken = false),
    failsAfterReplacing: (path, times = 1) => (last = { path, times }),
    instrument: {
      disk: (real) => ({
        ...real,
        create: async (path, ...rest) => {
          await writing(path, async () => {
            await real.create(path, ...rest);
          });
        },
        remove: async (path) => {
          await writing(path, async () => {
            await real.remove(path);
          });
        },
        rename: async (from, to) => {
          await writing(to, async () => {
            await real.rename(from, to);
          });
          if (last?.path === to) last.times -= 1;
          if (last?.times === 0) {
            last = undefined;
            isBroken = true;
          }
        },
      }),
    },
  };
}

async function createMaster(disk: StateDisk): Promise<Site> {
  return await createSite(cloud, {
    role: 'master',
    config: { poll: { min_seconds: 1, max_seconds: 30 } },
    instrument: disk.instrument,
  });
}

/** Runs passes, repairs the disk, and runs as many again. @returns the signals from before the repair */
async function runFor(site: Site, disk: StateDisk, times: number): Promise<Told[]> {
  let early: Told[] = [];
  await runLoop(site, {
    times: 2 * times,
    before: (wait) => {
      if (wait !== times) return;
      early = told(site);
      disk.isMended();
    },
  });
  return early;
}

type Told = [accepted: boolean, code: unknown, words: unknown];

const told = (site: Site): Told[] =>
  site
    .signals()
    .map(({ accepted, body }) => [accepted, body?.['deploy_status_code'], body?.['deploy_stderr']]);

const askByHand = (site: Site, resource = 'by-hand', group = 'coe-rotate'): string =>
  cloud.deploy(site.cluster, site.server, {
    resource,
    group,
    inputs: [{ name: 'reason' }],
    values: { reason: 'because' },
  }).id;

describe.each(['no space left on the device (ENOSPC)', 'it is mounted read-only (EROFS)'])('%s', (words) => {
  test('reports the reason to Heat, and later records what it has reported', async () => {
    const disk = createStateDisk(words);
    const site = await createMaster(disk);
    const before = await site.files();
    const id = askByHand(site);
    // As without a roll-back: the deployment is still listed, but Heat no longer waits.
    const listed = site.cluster.stack.deploymentsOn(site.server);
    site.cluster.stack.deploymentsOn = () => listed;
    disk.fails();
    expect(await runFor(site, disk, 10)).toEqual([[true, 1, expect.stringContaining(words)]]);
    expect(told(site)).toHaveLength(1);
    expect(await site.ledger()).toMatchObject([{ id, state: 'signalled', outcome: { statusCode: 1 } }]);
    expect(await site.files()).toEqual(before);
    expect(site.restarts()).toEqual([]);
  });

  test('reports it also in the middle of a rotation, which it completes later', async () => {
    const disk = createStateDisk(words);
    const site = await createMaster(disk);
    disk.failsAfterReplacing('/etc/kubernetes/certs/server.key');
    const id = askByHand(site);
    expect(await runFor(site, disk, 10)).toEqual([[true, 1, expect.stringContaining(words)]]);
    expect(told(site)).toHaveLength(1);
    expect(await site.ledger()).toMatchObject([{ id, state: 'signalled', outcome: { statusCode: 1 } }]);
    expect(faultsOfSet('kubernetes-certs', await site.files())).toEqual([]);
    expect([...(await site.files(`${STATE}/generation`)).values()].map(({ type }) => type)).toEqual([
      'directory',
      'directory',
    ]);
  });
});

test('tolerates a disk that is full for a moment', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site);
  disk.fails();
  await runFor(site, disk, 3);
  expect(told(site)).toEqual([[true, 0, '']]);
});

test('sends no answer for an unserved group', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site, 'theirs', 'somebody-else');
  const id = askByHand(site);
  disk.fails();
  await runFor(site, disk, 10);
  expect(site.signals()).toMatchObject([{ deploymentId: id }]);
});

/** Runs passes that find a script in this state. */
async function tellOfScript(site: Site, state: RunState): Promise<Told[]> {
  const hands = await site.start();
  const look = async (): Promise<RunState> => await Promise.resolve(state);
  const runs = { ...hands.runs, runs: { ...hands.runs.runs, look } };
  const cause = new AgentError('disk', 'reading its directory: input/output error (EIO)');
  await tellUnrecorded(cause, { since: -Infinity, told: new Map() }, { ...hands, runs }, NEVER);
  return told(site);
}

test('sends no answer for a running script, whose result is still unknown', async () => {
  const site = await createSite(cloud);
  askByHand(site, 'by-hand', 'script');
  expect(await tellOfScript(site, RUNNING)).toEqual([]);
  const cannot = [true, 1, expect.stringContaining('input/output error')];
  expect(await tellOfScript(site, { is: 'ordered', order: ORDER })).toEqual([cannot]);
});

test('reports the result of an ended script', async () => {
  const site = await createSite(cloud);
  askByHand(site, 'by-hand', 'script');
  const result = { statusCode: 3, stdout: '', stderr: 'its own words' };
  expect(await tellOfScript(site, { is: 'ended', order: ORDER, result })).toEqual([
    [true, 3, 'its own words'],
  ]);
});

test('reports the result of an ended rotation from its journal', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  const id = askByHand(site);
  // Four writes: staging, committing, committed, ended.
  disk.failsAfterReplacing(`${STATE}/generation/journal`, 4);
  expect(await runFor(site, disk, 10)).toEqual([[true, 0, '']]);
  expect(told(site)).toHaveLength(1);
  expect(await site.ledger()).toMatchObject([{ id, state: 'signalled', outcome: { statusCode: 0 } }]);
});

test('sends a recorded result, although nothing more can be recorded', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  const id = askByHand(site);
  // Three writes: accepted, started, finished.
  disk.failsAfterReplacing(`${STATE}/deployments/${id}.json`, 3);
  const early = await runFor(site, disk, 10);
  expect(early[0]).toEqual([true, 0, '']);
  expect(told(site).filter(([accepted]) => accepted)).toHaveLength(1);
  expect(await site.ledger()).toMatchObject([{ id, state: 'signalled', outcome: { statusCode: 0 } }]);
});

test('continues if the status file cannot be written, and notifies systemd of each pass', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)', '/run/coe-agent');
  const site = await createMaster(disk);
  disk.fails();
  askByHand(site);
  const { told: heard } = await runLoop(site, { times: 2 });
  expect(heard.map((text) => text.endsWith('(ready)'))).toEqual([true, true]);
  expect(logged(site.log, 'last-pass-unwritten')).toHaveLength(2);
});

test('shows in "agent status" that passes abort, and why', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site);
  disk.fails();
  await runLoop(site, { times: 1 });
  const { stdout } = await cli(site, ['status']);
  expect(stdout).toMatch(/✗ the pass broke off: writing .*no space left/);
});

/** Fails like a bug in the program. */
const accept = async (): Promise<never> => await Promise.reject(new TypeError('no function'));

test('lets systemd restart the daemon for a bug, but not for a failing disk', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site);
  disk.fails();
  const { told: heard } = await runLoop(site, { times: 1 });
  expect(heard).toEqual([expect.not.stringMatching(/watchdog waits|\(ready\)/)]);

  const other = await createMaster(createStateDisk('no space left on the device (ENOSPC)'));
  askByHand(other);
  const hands = await other.start();
  const ledger = { ...hands.ledger, accept };
  const { told: buggy } = await runLoop(
    { ...other, start: async () => await Promise.resolve({ ...hands, ledger }) },
    { times: 1 },
  );
  expect(buggy).toEqual(['the last pass broke off: no function (the watchdog waits)']);
});
