import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logged } from '../../scenarios/support/logged.ts';
import type { Instrument } from '../../../agent/compose.ts';
import { tellUnrecorded } from '../../../agent/pass/answer-without-ledger.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { RunState } from '../../../src/hooks/runs.ts';
import { type Cloud, startCloud } from '../../cloud/cloud.ts';
import { faultsOfSet } from '../../crash/certificate-set.ts';
import { NEVER } from '../../src/support/clock.ts';
import { cli } from '../../scenarios/support/cli.ts';
import { runLoop } from '../../scenarios/support/daemon.ts';
import { createSite, type Site } from '../../scenarios/support/site.ts';
import { ORDER, RUNNING } from '../support/script-run.ts';

/** The disk on which the agent keeps its records fails for good, or for a while. */
let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
});

type StateDisk = {
  instrument: Instrument;
  /** From now on nothing is written to it. */
  fails(): void;
  isMended(): void;
  /** It fails once a file has been replaced so often. */
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

/** Passes for a while, and as many again once the disk is well. @returns what had been told before it was */
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
  test('Heat is told why nothing happens, and what it has been told is what is recorded', async () => {
    const disk = createStateDisk(words);
    const site = await createMaster(disk);
    const before = await site.files();
    const id = askByHand(site);
    // As where Heat does not roll back: it is listed yet, and nobody waits for it any more.
    const listed = site.cluster.stack.deploymentsOn(site.server);
    site.cluster.stack.deploymentsOn = () => listed;
    disk.fails();
    expect(await runFor(site, disk, 10)).toEqual([[true, 1, expect.stringContaining(words)]]);
    expect(told(site)).toHaveLength(1);
    expect(await site.ledger()).toMatchObject([{ id, state: 'signalled', outcome: { statusCode: 1 } }]);
    expect(await site.files()).toEqual(before);
    expect(site.restarts()).toEqual([]);
  });

  test('in the middle of a rotation too, which is brought to its end once it can be', async () => {
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

test('a disk that is full for a moment is no failure', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site);
  disk.fails();
  await runFor(site, disk, 3);
  expect(told(site)).toEqual([[true, 0, '']]);
});

test('nobody answers for a group that is not served here', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site, 'theirs', 'somebody-else');
  const id = askByHand(site);
  disk.fails();
  await runFor(site, disk, 10);
  expect(site.signals()).toMatchObject([{ deploymentId: id }]);
});

/** The program finds a script in this state. */
async function tellOfScript(site: Site, state: RunState): Promise<Told[]> {
  const hands = await site.start();
  const look = async (): Promise<RunState> => await Promise.resolve(state);
  const runs = { ...hands.runs, runs: { ...hands.runs.runs, look } };
  const cause = new AgentError('disk', 'reading its directory: input/output error (EIO)');
  await tellUnrecorded(cause, { since: -Infinity, told: new Map() }, { ...hands, runs }, NEVER);
  return told(site);
}

test('a script that runs is not answered for: how it ends is still to be seen', async () => {
  const site = await createSite(cloud);
  askByHand(site, 'by-hand', 'script');
  expect(await tellOfScript(site, RUNNING)).toEqual([]);
  const cannot = [true, 1, expect.stringContaining('input/output error')];
  expect(await tellOfScript(site, { is: 'ordered', order: ORDER })).toEqual([cannot]);
});

test('of a script that has ended it is told how', async () => {
  const site = await createSite(cloud);
  askByHand(site, 'by-hand', 'script');
  const result = { statusCode: 3, stdout: '', stderr: 'its own words' };
  expect(await tellOfScript(site, { is: 'ended', order: ORDER, result })).toEqual([
    [true, 3, 'its own words'],
  ]);
});

test('of a rotation that has ended it is told how, as its journal has it', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  const id = askByHand(site);
  // Staging, committing, committed, ended.
  disk.failsAfterReplacing(`${STATE}/generation/journal`, 4);
  expect(await runFor(site, disk, 10)).toEqual([[true, 0, '']]);
  expect(told(site)).toHaveLength(1);
  expect(await site.ledger()).toMatchObject([{ id, state: 'signalled', outcome: { statusCode: 0 } }]);
});

test('a result that has been recorded is sent, though nothing more can be', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  const id = askByHand(site);
  // Accepted, started, finished.
  disk.failsAfterReplacing(`${STATE}/deployments/${id}.json`, 3);
  const early = await runFor(site, disk, 10);
  expect(early[0]).toEqual([true, 0, '']);
  expect(told(site).filter(([accepted]) => accepted)).toHaveLength(1);
  expect(await site.ledger()).toMatchObject([{ id, state: 'signalled', outcome: { statusCode: 0 } }]);
});

test('what "agent status" shows may be impossible to write: the daemon goes on, and systemd hears of each pass', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)', '/run/coe-agent');
  const site = await createMaster(disk);
  disk.fails();
  askByHand(site);
  const { told: heard } = await runLoop(site, { times: 2 });
  expect(heard).toEqual([expect.stringMatching(/ done \(ready\)$/), 'idle, nothing to do (ready)']);
  expect(logged(site.log, 'last-pass-unwritten')).toHaveLength(2);
});

test('"agent status" says that passes break off, and why', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site);
  disk.fails();
  await runLoop(site, { times: 1 });
  const { stdout } = await cli(site, ['status']);
  expect(stdout).toMatch(/✗ the pass broke off: writing .*no space left/);
});

/** A fault of the program's own. */
const accept = async (): Promise<never> => await Promise.reject(new TypeError('no function'));

test('a disk that fails is no reason for systemd to start the daemon anew, a bug is', async () => {
  const disk = createStateDisk('no space left on the device (ENOSPC)');
  const site = await createMaster(disk);
  askByHand(site);
  disk.fails();
  const { told: heard } = await runLoop(site, { times: 1 });
  expect(heard).toEqual([expect.stringMatching(/^the last pass broke off: .*no space left[^)]*\)$/)]);

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
