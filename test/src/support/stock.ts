import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import {
  type Listening,
  COMPONENT_NAMES,
  configFileOf,
  listeningOf,
} from '../../../src/services/components.ts';
import { parse } from 'yaml';
import { programOf } from '../../../src/services/unit-command.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';

const lines = v.array(v.string());
const StockNode = v.object({ files: v.record(v.string(), lines), units: v.record(v.string(), lines) });

/** A node as Magnum's own fragments set it up: texts by path, and systemd's output for each unit. */
export type StockNode = { files: Map<string, string>; units: Map<string, string> };

export type StockName = 'master-15' | 'master-20' | 'worker-15' | 'worker-20';

const texts = (of: Record<string, string[]>): Map<string, string> =>
  new Map(Object.entries(of).map(([key, value]) => [key, `${value.join('\n')}\n`]));

export function readStock(name: StockName): StockNode {
  const path = join(import.meta.dirname, '../../fixtures/stock', `${name}.json`);
  const { files, units } = v.parse(StockNode, JSON.parse(readFileSync(path, 'utf8')));
  return { files: texts(files), units: texts(units) };
}

/** Returns the ports on which the units of such a node listen. */
export const listeningIn = ({ files, units }: StockNode): Map<string, Listening> =>
  new Map(
    [...units].map(([unit, shown]) => {
      const settings = settingsOf(shown);
      const texts = settings.environmentFiles.map((path) => files.get(path) ?? '');
      const found = programOf(settings, texts, COMPONENT_NAMES);
      if (!found) throw new Error(`${unit} starts nothing that is known`);
      const config = configFileOf(found.program, found.command);
      const value: unknown = config === undefined ? undefined : parse(files.get(config) ?? '');
      return [unit, listeningOf(found.program, found.command, value)];
    }),
  );
