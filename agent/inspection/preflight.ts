import { dirname } from 'node:path';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { shellQuote } from '../../src/base/shell-quote.ts';
import { whyLeftAlone } from '../../src/services/restart.ts';
import { unitFault } from '../../src/services/restart-job.ts';
import { addressFault, type UnitPlan } from '../../src/services/unit.ts';
import { STATE } from '../paths.ts';
import type { Hands } from '../hands.ts';
import { seeAnswers } from './answers.ts';
import type { Finding } from './finding.ts';

/** A generous estimate. */
const BYTES_PER_FILE = 64 * 1024;
/** Copies for each replaced file: one until the run ends, one that is kept, and a key with its CSR. */
const KEPT_PER_TARGET = 3;

/**
 * Limits for the clock. From the first on, certificates may be affected. Beyond the second, a clock that is behind
 * treats new certificates as not yet valid: Magnum backdates them by a day. A clock that is ahead is checked later
 * against the end of the new certificates.
 */
const SKEW_WARNING_MS = 60_000;
const SKEW_BAD_MS = 23 * 3_600_000;

/**
 * Checks for everything that would make a rotation fail after keys were created or files replaced: disk, clock, units.
 * `agent doctor` prints the same findings.
 */
export async function preflight(
  paths: readonly string[],
  units: readonly UnitPlan[],
  hands: Hands,
  abort: AbortSignal,
): Promise<Finding[]> {
  return [
    ...(await checkDisk(paths, hands)),
    ...checkClock(hands),
    ...(await Promise.all(units.map(async (unit) => await checkUnit(unit, hands, abort)))).flat(),
  ];
}

/**
 * Runs the same checks before a rotation. Reports warnings and faults that the rotation repairs. If no file is
 * replaced, or a stuck rotation is being repaired, a silent unit is accepted: the restart is meant to fix it.
 *
 * @throws `precondition` with all findings that would make the rotation fail
 */
export async function requireFit(...parts: Parameters<typeof preflight>): Promise<void> {
  const [paths, , { progress, generations }] = parts;
  const mends = paths.length === 0 || (await generations.current())?.state === 'stuck';
  const findings = (await preflight(...parts)).map((finding) => {
    const isMended = finding.isMended ?? (mends && (finding.id === 'port' || finding.id === 'health'));
    return isMended && finding.verdict === 'bad' ? ({ ...finding, verdict: 'warning' } as const) : finding;
  });
  for (const { id, verdict, what } of findings)
    if (verdict === 'warning') progress({ event: 'notice', code: 'preflight', of: id, text: what });
  const bad = findings.filter(({ verdict }) => verdict === 'bad');
  if (bad[0]) {
    const text = bad.map(({ what }) => what).join('; ');
    throw new AgentError('precondition', text, { reason: bad[0].id });
  }
}

export async function checkDisk(paths: readonly string[], { disk }: Hands): Promise<Finding[]> {
  if (paths.length === 0) return [];
  const findings: Finding[] = [];
  const targets: string[] = [];
  for (const path of paths)
    try {
      targets.push(await disk.resolve(path));
    } catch (error) {
      if (codeOf(error) !== 'disk') throw error;
      const next = `ls -ld ${shellQuote(path)}`;
      findings.push({
        id: 'disk',
        of: path,
        verdict: 'bad',
        reason: 'unreachable',
        what: explain(error),
        next,
      });
    }
  const needs = [...Map.groupBy(targets, (path) => dirname(path))].map(([directory, { length: files }]) => ({
    directory,
    files,
  }));
  needs.push({ directory: await disk.resolve(STATE), files: targets.length * KEPT_PER_TARGET });
  const rooms = await Promise.all(
    needs.map(async (need) => ({ ...need, ...(await disk.room(need.directory)) })),
  );
  for (const { directory, device, bytes, inodes, writable } of rooms) {
    // Directories of one file system share its free space.
    const files = rooms.reduce((sum, other) => sum + (other.device === device ? other.files : 0), 0);
    const at = shellQuote(directory);
    const bad = !writable
      ? {
          reason: 'read-only',
          what: `${directory} cannot be written (read-only, or not root)`,
          next: `findmnt -T ${at}`,
        }
      : bytes < files * BYTES_PER_FILE
        ? { reason: 'full', what: `${directory} has only ${Math.round(bytes / 1024)} KiB left` }
        : inodes < files
          ? {
              reason: 'no-inodes',
              what: `${directory} has only ${inodes} inodes left`,
              next: `df -i ${at}`,
            }
          : undefined;
    const about = { id: 'disk', of: directory } as const;
    if (bad) findings.push({ ...about, verdict: 'bad', ...bad });
    else findings.push({ ...about, verdict: 'good', what: `${directory} is writable and has enough space` });
  }
  for (const path of targets) {
    const type = (await disk.info(path))?.type ?? 'file';
    const about = { id: 'disk', of: path, verdict: 'bad' } as const;
    if (type !== 'file')
      findings.push({
        ...about,
        reason: 'not-a-file',
        what: `${path} is a ${type}, not a file`,
        next: `ls -ld ${shellQuote(path)}`,
      });
    else if (await disk.sealed(path))
      findings.push({
        ...about,
        reason: 'immutable',
        what: `${path} cannot be replaced: it is immutable (chattr -i), or mounted read-only`,
        next: `chattr -i ${shellQuote(path)}`,
      });
  }
  return findings;
}

export function checkClock({ skewMs }: Hands): Finding[] {
  const skew = skewMs();
  // Ignore an invalid Date header.
  if (skew === undefined || Number.isNaN(skew)) return [];
  const seconds = `${Math.abs(skew / 1000).toFixed(0)} s`;
  const what = `this node's clock is ${seconds} ${skew < 0 ? 'behind' : 'ahead of'} the cloud's`;
  const about = { id: 'clock', reason: skew < 0 ? 'behind' : 'ahead' } as const;
  if (-skew > SKEW_BAD_MS)
    return [{ ...about, verdict: 'bad', what: `${what}: new certificates would not be valid here yet` }];
  return Math.abs(skew) > SKEW_WARNING_MS
    ? [{ ...about, verdict: 'warning', what }]
    : [{ id: 'clock', verdict: 'good', what }];
}

/** Checks that a unit exists and runs, and that it answers at the address of its proof. */
export async function checkUnit(plan: UnitPlan, hands: Hands, abort: AbortSignal): Promise<Finding[]> {
  const about = { id: 'unit', of: plan.name } as const;
  const systemctl = await hands.systemctl();
  const state = await systemctl.show(plan.name, abort);
  const address = addressFault(plan);
  if (address !== undefined) return [{ ...about, verdict: 'bad', reason: 'bad-address', what: address }];
  const fault = unitFault(plan, state);
  if (fault) {
    const next = fault.code === 'unit-masked' && { next: `systemctl unmask ${shellQuote(plan.name)}` };
    return [{ ...about, verdict: 'bad', reason: fault.code, what: fault.text, ...next }];
  }
  const leftAlone = whyLeftAlone(plan, state);
  if (leftAlone !== undefined) return [{ ...about, verdict: 'good', what: leftAlone.text }];
  const what = `the unit ${plan.name} is ${state.active}`;
  if (state.active === 'active')
    return [{ ...about, verdict: 'good', what }, ...(await seeAnswers(plan, hands, abort))];
  const reason = state.active;
  if (state.active !== 'failed')
    return [{ ...about, verdict: 'warning', reason, what: `${what}: a rotation starts it` }];
  return [
    {
      ...about,
      verdict: 'bad',
      reason,
      isMended: true,
      what: `${what} (${state.result}): a rotation starts it`,
      next: `journalctl -n 50 -u ${shellQuote(plan.name)}`,
    },
  ];
}
