import { NEVER } from '../../src/base/clock.ts';
import { readIfThere } from '../../src/base/disk.ts';
import { AgentError, sentenceOf } from '../../src/base/errors.ts';
import type { Remark } from '../../src/base/remark.ts';
import { fingerprint, oneCertificate } from '../../src/certificates/read.ts';
import { credentialsIn, formatOf } from '../../src/files/credential-file.ts';
import { hasEnded } from '../../src/services/active.ts';
import { remainingSettleMs, seeStable } from '../../src/services/stability.ts';
import { type ListPlan, type Seen, seeListTaken } from '../../src/services/list.ts';
import {
  restartAndProve,
  seeRenewed,
  type ServiceHands,
  type UnitSnapshot,
} from '../../src/services/restart.ts';
import { stopForAnother } from '../../src/services/stop-first.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import { askHealthAs } from '../inspection/answers.ts';
import { renewalFor, seeAccepted } from '../inspection/unit-credential.ts';
import { timed } from '../progress.ts';
import { noteCause } from '../rotation/hanging-pods.ts';

/**
 * Restarts one unit of a generation, proves it and reports the result.
 *
 * @returns the unit's state afterwards; empty if the node does not have the unit
 * @throws `unit` or `proof`, with the last lines of the unit's own journal; `aborted` when the node shuts down
 */
export async function restart(unit: UnitPlan, hands: Hands): Promise<UnitSnapshot[]> {
  if (unit.name === 'kubelet') await noteCause(hands);
  const snapshot = await explained(
    unit.name,
    hands,
    // Once the first file is replaced, a run must complete or roll back, even if the program must stop.
    async (services) => await restartAndProve(unit, services, NEVER),
  );
  return snapshot ? [snapshot] : [];
}

/** Stops a unit before the restart of another. @returns the open connections that this ended, if they are counted */
export const stop = async (unit: UnitPlan, hands: Hands): Promise<number | undefined> =>
  await explained(unit.name, hands, async (services) => await stopForAnother(unit, services, NEVER));

/**
 * Starts, without a proof, the units that a failed run has stopped and not restarted. Needed where no roll-back does it.
 */
export async function startStopped(units: readonly UnitPlan[], hands: Hands): Promise<void> {
  const systemctl = await hands.systemctl();
  const needed = new Set(units.flatMap(({ stopFirst = [] }) => stopFirst));
  for (const { name } of units.filter((unit) => needed.has(unit.name)))
    try {
      if (hasEnded(await systemctl.show(name, NEVER))) await systemctl.restart(name, NEVER);
    } catch (error) {
      // The cause of the failed run is reported; its excerpt is the first to look at.
      if (!(error instanceof AgentError)) throw error;
    }
}

/** Returns why `restart` restarted no unit, from its result. */
export const whySkipped = (snapshots: readonly UnitSnapshot[]): string | undefined =>
  snapshots.length === 0 ? 'this node has no such unit' : undefined;

/** A remark on the open connections that a restart ended. */
export type ConnectionsEnded = Remark<'connections-ended'>;

/** Returns the number of connections that the restarts of units ended, where they were counted. */
export const connectionsEnded = (restarted: readonly UnitSnapshot[]): ConnectionsEnded[] =>
  restarted.flatMap(({ plan: { name }, ended }) =>
    ended === undefined
      ? []
      : [
          {
            code: 'connections-ended',
            of: name,
            text: `open connections that the restart of ${name} ended: ${ended}`,
          },
        ],
  );

/** Checks that a unit uses its list. @throws `proof`, with the last lines of the unit's own journal */
export const seeList = async (list: ListPlan, hands: Hands): Promise<Seen[]> =>
  await explained(
    list.unitPlan.name,
    hands,
    async ({ clock, askHealth }) =>
      await seeListTaken(list, { clock, askHealth, hasBeenRead: hands.disk.hasBeenRead }, NEVER),
  );

/**
 * Checks that all restarted units still run, that units without a testable port have run long enough, and that leases
 * are renewed. All units share one wait; units that restarted meanwhile share another one.
 *
 * @throws `unit` or `proof`, with the last lines of the unit's own journal; `aborted` when the node shuts down
 */
export async function assertAllStable(units: readonly UnitSnapshot[], hands: Hands): Promise<void> {
  const each = async <T>(
    snapshots: readonly UnitSnapshot[],
    work: (snapshot: UnitSnapshot, services: ServiceHands) => Promise<T>,
  ): Promise<T[]> =>
    await Promise.all(
      snapshots.map(
        async (snapshot) =>
          await explained(snapshot.plan.name, hands, async (services) => await work(snapshot, services)),
      ),
    );
  // The number of restarts of a unit is limited, so this loop ends.
  for (let before = units; ;) {
    const ms = remainingSettleMs(before, hands.clock.elapsed());
    if (ms > 0)
      await timed(hands, { code: 'see-stability', text: 'check that the units stay up' }, async () => {
        await hands.clock.sleep(ms, NEVER);
      });
    await each(before, async (snapshot, services) => {
      await seeRenewed(snapshot, services, NEVER);
    });
    const now = await each(before, async (snapshot, services) => await seeStable(snapshot, services, NEVER));
    if (now.every((snapshot, index) => snapshot === before[index])) return;
    before = now;
  }
}

async function explained<T>(
  unit: string,
  hands: Hands,
  work: (services: ServiceHands) => Promise<T>,
): Promise<T> {
  try {
    return await work(await servicesOf(hands));
  } catch (error) {
    if (await isGoingDown(hands))
      throw new AgentError(
        'aborted',
        `the node is shutting down: the run resumes with ${unit} at the next start`,
        { cause: error },
      );
    await learnKeys(hands);
    const lines = await hands.journalOf(unit, LAST_LINES);
    if (!(error instanceof AgentError) || lines.length === 0) throw error;
    throw new AgentError(error.code, sentenceOf(error), {
      cause: error,
      reason: error.reason,
      excerpt: [`the last lines of the journal of ${unit}:`, ...lines],
    });
  }
}

/** Whether the node is shutting down. systemd stops all units then, which says nothing about the certificates. */
async function isGoingDown(hands: Hands): Promise<boolean> {
  const systemctl = await hands.systemctl();
  return await systemctl.isGoingDown(NEVER).catch(() => false);
}

async function servicesOf(hands: Hands): Promise<ServiceHands> {
  const text = async (path: string): Promise<string> => (await hands.disk.read(path)).toString('utf8');
  return {
    systemctl: await hands.systemctl(),
    clock: hands.clock,
    presented: hands.presented,
    heldConnections: hands.heldConnections,
    askHealth: async (health, abort) => {
      await askHealthAs(health, hands, abort);
    },
    expected: async (file) => fingerprint(oneCertificate(await text(file), file)),
    fingerprint,
    seeAccepted: async (kubeconfig, abort) => await seeAccepted(kubeconfig, hands, abort),
    readRenewal: async (kubeconfig, lease, abort) => await renewalFor(kubeconfig, lease, hands, abort),
    notice: (remark) => {
      hands.progress({ event: 'notice', ...remark });
    },
  };
}

const LAST_LINES = 15;

/** Registers the keys and passwords of both generations as secrets: a unit may print everything that it reads. */
async function learnKeys({ generations, disk, secrets }: Hands): Promise<void> {
  const journal = await generations.current().catch(() => undefined);
  if (!journal) return;
  for (const { target, previous } of journal.files)
    for (const path of [target, ...(previous ? [previous.copy] : [])]) {
      const content = await readIfThere(disk, path);
      const text = content?.toString('utf8') ?? '';
      if (text.includes('PRIVATE KEY')) secrets.addFor(journal.runId, text);
      const format = formatOf(text);
      if (content && format)
        for (const { password } of credentialsIn(content, format)) secrets.addFor(journal.runId, password);
    }
}
