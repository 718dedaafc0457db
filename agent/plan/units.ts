import { readText } from '../../src/base/disk.ts';
import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { fill } from '../../src/certificates/template.ts';
import { COMPONENT_NAMES, configFileOf, type Listening, listeningOf } from '../../src/services/components.ts';
import type { Phase } from '../../src/operation/phase.ts';
import { planUnits, type UnitPlan } from '../../src/services/unit.ts';
import { programOf } from '../../src/services/unit-command.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';

type AskHands = Pick<Hands, 'config' | 'disk' | 'unitSettings' | 'log'>;

/** Lists the units of a node, each with its address and certificate, as read from its start command in systemd. */
export async function unitsOf(
  { layout, values }: Pick<Node, 'layout' | 'values'>,
  hands: AskHands,
  abort: AbortSignal,
): Promise<UnitPlan[]> {
  const asked = await Promise.all(
    layout.units.map(
      async ({ unit }) => [unit, await listeningOfUnit(unit, hands, abort)] as [string, Listening],
    ),
  );
  const { services } = hands.config;
  return planUnits(layout, (text) => fill(text, values), services.units, services, new Map(asked));
}

/** How the restarts of a phase are proven and reported. */
const RESTARTS: Partial<Record<Phase, Partial<UnitPlan>>> = {
  trust: { keepsIdentity: true },
  retire: { countsHeld: true },
};

export const restartsIn = (phase: Phase | undefined, units: readonly UnitPlan[]): UnitPlan[] =>
  units.map((unit) => ({ ...unit, ...RESTARTS[phase ?? 'all'] }));

/** Reads a unit's own settings. If they cannot be read, returns none, and the layout's values apply. */
export async function listeningOfUnit(unit: string, hands: AskHands, abort: AbortSignal): Promise<Listening> {
  const { disk, log } = hands;
  try {
    const settings = await hands.unitSettings(unit, abort);
    const files = await Promise.all(
      settings.environmentFiles.map(async (path) => (await readText(disk, path)) ?? ''),
    );
    const found = programOf(settings, files, COMPONENT_NAMES);
    if (!found) return {};
    const path = configFileOf(found.program, found.command);
    return listeningOf(found.program, found.command, path && (await readConfig(path, hands)));
  } catch (error) {
    if (!(error instanceof AgentError) || codeOf(error) === 'aborted') throw error;
    log('unit-unasked', { unit, why: explain(error) });
    return {};
  }
}

async function readConfig(path: string, { disk }: AskHands): Promise<unknown> {
  const text = await readText(disk, path);
  if (text === undefined) throw new AgentError('bad-file', `${path} does not exist`);
  const { parseYaml } = await import('../config/yaml.ts');
  return parseYaml(path, text);
}
