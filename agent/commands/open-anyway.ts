import { AgentError } from '../../src/base/errors.ts';
import { fallbackConfig } from '../config.ts';
import { type Context, openHands, type OpenHands, openHandsWith } from './verb.ts';

const ignore = (): void => undefined;

/**
 * Opens the hands of this node, or returns why its configuration cannot be used.
 *
 * @throws `config` when a person has named a file that does not exist
 */
export async function openConfigured(context: Context): Promise<OpenHands | AgentError> {
  const { configIsNamed, configPath, disk } = context;
  try {
    return await openHands(context, ignore);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    if (configIsNamed && (await disk.info(configPath)) === undefined) throw error;
    return error;
  }
}

/** Opens the hands of a node without a configuration: they read its records, and ask no collector. */
export const openUnconfigured = async (context: Context): Promise<OpenHands> =>
  await openHandsWith(fallbackConfig(), context, ignore);
