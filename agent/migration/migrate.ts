import { NEVER } from '../../src/base/clock.ts';
import { join } from 'node:path';
import { replaceFile } from '../../src/base/replace-file.ts';
import { AgentError } from '../../src/base/errors.ts';
import { pollUntil } from '../../src/base/poll.ts';
import {
  appliedByHeatConfig,
  readTakenOver,
  tellHeatConfig,
  writeTakenOver,
} from '../../src/deployment/applied.ts';
import { TAKEN_OVER } from '../../src/deployment/ledger.ts';
import { keepMetadata } from '../../src/metadata/zaqar.ts';
import { LEDGER, QUEUE_RECORD } from '../paths.ts';
import type { Hands } from '../hands.ts';
import { showMigration, type MigrationStep, statusOf } from './plan.ts';
import { digestOf, forgetBefore, readBefore, writeBefore } from './record.ts';
import { PREDECESSORS } from '../../src/services/predecessors.ts';
import { timed } from '../progress.ts';

/** How long to wait for a script that os-collect-config started. */
const PATIENCE_MS = 3_600_000;
const AGAIN_MS = 500;

/**
 * Carries out the steps. If a step fails, thaws the frozen unit, so that the node stays served.
 *
 * @throws the error of the failed step; the migration can be repeated
 */
export async function carryOutMigration(
  steps: readonly MigrationStep[],
  hands: Hands,
  abort: AbortSignal,
): Promise<void> {
  const units = await hands.unitManager();
  await remember(steps, hands, abort);
  const frozen = new Set<string>();
  try {
    for (const step of steps) {
      if (step.do === 'let-finish') frozen.add(step.unit);
      await timed(hands, showMigration(step), async () => {
        await performStep(step, hands, abort);
      });
      if (step.do === 'disable-now') frozen.delete(step.unit);
    }
    if (steps.some((step) => step.do === 'hand-back-ids')) await forgetBefore(hands.disk);
  } finally {
    for (const unit of frozen) await units.thaw(unit, NEVER);
  }
}

/** Records the state before the migration. If there were several migrations, the record of the first one stays. */
async function remember(steps: readonly MigrationStep[], hands: Hands, abort: AbortSignal): Promise<void> {
  if (!steps.some((step) => step.do === 'take-over-ids') || (await readBefore(hands.disk))) return;
  const units = await hands.unitManager();
  const before = await statusOf(PREDECESSORS, units, abort);
  const config = steps.find((step) => step.do === 'write-config');
  await writeBefore(hands.disk, {
    enabled: before.filter(({ enabled }) => enabled).map(({ unit }) => unit),
    config: config ? digestOf(config.text) : null,
  });
}

async function performStep(step: MigrationStep, hands: Hands, abort: AbortSignal): Promise<void> {
  const { disk } = hands;
  const units = await hands.unitManager();
  switch (step.do) {
    case 'let-finish':
      await letFinish(step.unit, hands, abort);
      return;
    case 'take-over-ids': {
      const applied = await appliedByHeatConfig(disk);
      for (const { id } of applied.filter(({ answered }) => !answered))
        hands.progress({
          event: 'notice',
          code: 'deployment-unanswered',
          of: id,
          text: `deployment ${id} was started by heat-config, which has recorded no result; it is not run again`,
        });
      await disk.makeDirectory(LEDGER, { mode: 0o700 });
      const path = join(LEDGER, TAKEN_OVER);
      const before = await readTakenOver(disk, path);
      await writeTakenOver(disk, path, [...new Set([...before, ...applied.map(({ id }) => id)])]);
      return;
    }
    case 'take-over-queue':
      await keepMetadata(disk, QUEUE_RECORD, step);
      return;
    case 'write-config':
      await disk.makeDirectory('/etc/coe-agent', { mode: 0o755 });
      await replaceFile(disk, step.path, step.text, { mode: 0o600 });
      return;
    case 'disable-now':
      await units.disableNow(step.unit, abort);
      return;
    case 'enable-and-start':
      await units.enableAndStart(step.unit, abort);
      return;
    case 'hand-back-ids':
      await tellHeatConfig(disk, step.ids);
      return;
    case 'remove-config':
      await disk.remove(step.path);
      return;
    case 'leave':
    case 'tell':
    case 'mind':
  }
}

/**
 * Waits until os-collect-config's children have finished. Stopping its unit would kill them, and heat-config has
 * already recorded their work as applied. So this freezes the main process and waits for the other processes.
 */
async function letFinish(unit: string, hands: Hands, abort: AbortSignal): Promise<void> {
  const units = await hands.unitManager();
  await units.freeze(unit, abort);
  const { clock } = hands;
  const deadline = clock.elapsed() + PATIENCE_MS;
  const what = `${unit} is still running a deployment: retry when the deployment has ended`;
  await pollUntil(
    { clock, everyMs: AGAIN_MS, deadline, late: { code: 'not-yet', reason: 'still-running', what } },
    abort,
    async () => {
      const now = await units.status(unit, abort);
      if (!now?.active || now.others === 0) return;
      if (now.others === undefined)
        throw new AgentError(
          'precondition',
          `cannot see whether ${unit} runs a deployment: stop the unit when it is idle, and migrate again`,
          { reason: 'running-unknown' },
        );
      throw new AgentError('not-yet', `${now.others} of its processes still run`);
    },
  );
}
