import { expect } from 'vitest';
import { type Config, type ConfigNotice, type ConfigOptions, loadConfig } from '../../../agent/config.ts';
import { BadConfigFile } from '../../../agent/config/yaml.ts';
import type { AgentError } from '../../../src/base/errors.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

export const PATH = '/etc/coe-agent/agent.yaml';
export const INI = '/etc/os-collect-config.conf';

/** Loads the configuration of a node with these files. */
export async function load(
  files: Record<string, string>,
  options: ConfigOptions = {},
): Promise<{ config: Config; notices: string[]; unknownUnits: unknown[] }> {
  const { disk, write } = await tempRoot();
  for (const [path, content] of Object.entries(files)) await write(path, content);
  const notices: string[] = [];
  const unknownUnits: unknown[] = [];
  const notice = ({ event, fields }: ConfigNotice): void => {
    if (event === 'setting-ignored') notices.push(fields.why);
    else unknownUnits.push(fields);
  };
  return { config: await loadConfig(disk, PATH, notice, options), notices, unknownUnits };
}

/** The fields of a rejected configuration, with the position of the fault. */
export type Refusal = {
  reason: string | undefined;
  source?: string;
  line?: number | undefined;
  key?: string;
};

export function refusalOf(error: AgentError): Refusal {
  expect(error.code).toBe('config');
  const { reason } = error;
  if (!(error instanceof BadConfigFile)) return { reason };
  const { source, line, fault } = error;
  return { reason, source, line, ...('key' in fault && { key: fault.key }) };
}

/** Loads the configuration of a node with these files, and returns the rejection. */
export const refusal = async (files: Record<string, string>): Promise<Refusal> =>
  refusalOf(await agentErrorOf(load(files)));
