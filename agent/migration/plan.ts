import { join } from 'node:path';
import { readText } from '../../src/base/disk.ts';
import { readTrusted } from '../../src/base/trust.ts';
import { AgentError } from '../../src/base/errors.ts';
import { isOpen } from '../../src/deployment/ledger.ts';
import { CONFIG_PATH } from '../config.ts';
import { cacheOf, OS_COLLECT_CONFIG, translateOsCollectConfig } from '../config/os-collect.ts';
import { formatConfigFile } from '../config/yaml.ts';
import type { UnitManager, UnitStatus } from '../../src/services/unit-manager.ts';
import type { Hands } from '../hands.ts';
import type { ShownStep } from '../progress.ts';
import { orphanedScripts } from './orphaned-scripts.ts';
import { digestOf, readBefore } from './record.ts';
import { PREDECESSORS } from '../../src/services/predecessors.ts';
import { type UnmappedVariable, unmappedEnvironment } from './unmapped-environment.ts';

export const SUCCESSOR = 'coe-agent.service';

/** The steps as data; `--dry-run` prints them. */
export type MigrationStep =
  /** No new work starts; running work finishes. */
  | { do: 'let-finish'; unit: string }
  | { do: 'take-over-ids' }
  | { do: 'take-over-queue'; queueId: string; text: string }
  | { do: 'write-config'; path: string; text: string }
  | { do: 'disable-now'; unit: string }
  | { do: 'enable-and-start'; unit: string }
  | { do: 'hand-back-ids'; ids: readonly string[] }
  | { do: 'remove-config'; path: string }
  /** A script that no longer runs after the migration; only reported. */
  | { do: 'leave'; path: string }
  /** Variables of the unit without a counterpart. Without them, the cloud may be unreachable. */
  | ({ do: 'tell' } & UnmappedVariable)
  /**
   * The polling configuration from the latest metadata: Heat may have closed the transport that os-collect-config is
   * configured for.
   */
  | { do: 'mind'; polling: string };

/**
 * Plans to replace os-collect-config and the processes it starts. A masked unit does not run, and stays masked.
 *
 * @throws `unit` when the agent's unit cannot be started
 */
export async function planMigration(hands: Hands, abort: AbortSignal): Promise<MigrationStep[]> {
  const { disk, config } = hands;
  const units = await hands.unitManager();
  const successor = await units.status(SUCCESSOR, abort);
  if (successor?.masked === true)
    throw new AgentError('unit', `the unit ${SUCCESSOR} is masked: systemctl unmask ${SUCCESSOR}`, {
      reason: 'unit-masked',
    });
  const before = (await statusOf(PREDECESSORS, units, abort)).filter(
    ({ masked, active }) => active || !masked,
  );
  const unmapped = await Promise.all(
    before.map(async ({ unit }) => await unmappedEnvironment(unit, SUCCESSOR, hands, abort)),
  );
  const ini = await readTrusted(disk, OS_COLLECT_CONFIG, 'config');
  const isOurs = (await disk.info(CONFIG_PATH)) !== undefined;
  const queueId = config.collectors.includes('zaqar') ? config.zaqar?.queue_id : undefined;
  const cached = await readText(disk, join(cacheOf(ini ?? ''), 'zaqar.json'));
  return [
    ...before.filter(({ active }) => active).map(({ unit }) => ({ do: 'let-finish', unit }) as const),
    { do: 'take-over-ids' },
    ...(queueId !== undefined && cached !== undefined
      ? [{ do: 'take-over-queue', queueId, text: cached } as const]
      : []),
    ...(ini !== undefined && !isOurs
      ? [{ do: 'write-config', path: CONFIG_PATH, text: translated(ini) } as const]
      : []),
    ...before.map(({ unit }) => ({ do: 'disable-now', unit }) as const),
    ...(await orphanedScripts(disk)).map((path) => ({ do: 'leave', path }) as const),
    ...unmapped.flat().map((variable) => ({ do: 'tell', ...variable }) as const),
    ...(successor ? [{ do: 'enable-and-start', unit: SUCCESSOR } as const] : []),
  ];
}

/** Returns the status of those units that the node has. */
export async function statusOf(
  names: readonly string[],
  units: UnitManager,
  abort: AbortSignal,
): Promise<(UnitStatus & { unit: string })[]> {
  const found: (UnitStatus & { unit: string })[] = [];
  for (const unit of names) {
    const status = await units.status(unit, abort);
    if (status) found.push({ unit, ...status });
  }
  return found;
}

const translated = (ini: string): string =>
  formatConfigFile(
    `the settings of ${OS_COLLECT_CONFIG}, written by agent migrate`,
    translateOsCollectConfig(ini, () => undefined),
  );

/**
 * Plans to restore os-collect-config. Deployments done since the migration count as applied there too.
 *
 * @throws `not-yet` while a result is not acknowledged or a deployment runs: os-collect-config would not finish it
 */
export async function planReturn(hands: Hands, abort: AbortSignal): Promise<MigrationStep[]> {
  const { disk, ledger } = hands;
  const open = ledger.entries().filter(isOpen);
  if (open.length > 0)
    throw new AgentError(
      'not-yet',
      `returning the node: ${open.map(({ id, state }) => `${id} is only ${state}`).join(', ')}; "agent run-once" completes it`,
      { reason: 'unacknowledged' },
    );
  const before = await readBefore(disk);
  const units = await hands.unitManager();
  const adopted = hands.pollingOverride.describe();
  const former = (await statusOf(before?.enabled ?? PREDECESSORS, units, abort)).filter(
    ({ masked }) => !masked,
  );
  const written = await readText(disk, CONFIG_PATH);
  const isAsWritten = written !== undefined && before?.config === digestOf(written);
  return [
    ...((await units.status(SUCCESSOR, abort)) ? [{ do: 'disable-now', unit: SUCCESSOR } as const] : []),
    { do: 'hand-back-ids', ids: ledger.entries().map(({ id }) => id) },
    ...(isAsWritten ? [{ do: 'remove-config', path: CONFIG_PATH } as const] : []),
    ...(adopted?.isSettled === true ? [{ do: 'mind', polling: adopted.text } as const] : []),
    ...former.map(({ unit }) => ({ do: 'enable-and-start', unit }) as const),
  ];
}

/** Formats a step for the terminal and `--dry-run`. */
export const showMigration = (step: MigrationStep): ShownStep => {
  const of = 'unit' in step ? step.unit : 'path' in step ? step.path : undefined;
  return { code: step.do, ...(of !== undefined && { of }), text: describeMigration(step) };
};

function describeMigration(step: MigrationStep): string {
  switch (step.do) {
    case 'let-finish':
      return `freeze ${step.unit}, and wait for its running deployments`;
    case 'take-over-ids':
      return 'take over the ids of the deployments that heat-config has applied';
    case 'take-over-queue':
      return `take over the last message of the queue ${step.queueId}`;
    case 'write-config':
      return `write ${step.path}, from ${OS_COLLECT_CONFIG}`;
    case 'disable-now':
      return `stop and disable ${step.unit}`;
    case 'enable-and-start':
      return `enable and start ${step.unit}`;
    case 'hand-back-ids':
      return `record ${step.ids.length} deployments as applied for heat-config`;
    case 'leave':
      return `note: os-refresh-config ran ${step.path} at every change; nothing runs it after the migration`;
    case 'tell':
      return `note: the agent does not see ${step.name} in the environment of ${step.unit}: write ${step.instead}`;
    case 'mind':
      return `note: os-collect-config uses ${OS_COLLECT_CONFIG}, but this node ${step.polling}`;
    case 'remove-config':
      return `remove ${step.path}, unchanged since agent migrate wrote it`;
  }
}
