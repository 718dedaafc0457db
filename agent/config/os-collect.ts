import { AgentError } from '../../src/base/errors.ts';
import { readOsloConfig } from './oslo.ts';
import {
  type Ignored,
  knownOptions,
  type PredecessorConfig,
  timeoutOf,
  translatePredecessor,
  trustedBy,
  withoutCounterpart,
  withUsableCollectors,
} from './predecessor.ts';

/** The poller's configuration, written by Heat's user data. */
export const OS_COLLECT_CONFIG = '/etc/os-collect-config.conf';

/**
 * Translates the predecessor's configuration into ours. Reports to `notice` collectors that are not supported or lack
 * options, and options that change the predecessor's behaviour but have no meaning here.
 *
 * @throws `config` when none of the collectors can be used
 */
export function translateOsCollectConfig(
  text: string,
  notice: (ignored: Ignored) => void,
  /** `false`: the verb collects nothing, so unusable collectors do not matter. */
  collects = true,
): Record<string, unknown> {
  const config = read(text);
  const tell = (ignored: Ignored): void => {
    notice({ ...ignored, text: `${OS_COLLECT_CONFIG}: ${ignored.text}` });
  };
  for (const option of withoutCounterpart(config)) tell(option);
  const [file, ...others] = trustedBy(config);
  for (const other of others)
    tell({
      code: 'second-ca-file',
      of: other,
      text: `ignoring the CAs in ${other}: cloud.ca_file is a single file, ${file}`,
    });
  const { value, leftOut } = withUsableCollectors(translatePredecessor(config));
  if (collects) for (const one of leftOut) tell({ ...one, text: `${one.text}; ignoring the collector` });
  if (collects && value.collectors.length === 0)
    throw new AgentError(
      'config',
      `${OS_COLLECT_CONFIG}: no collector is usable: ${leftOut.map(({ text: why }) => why).join('; ') || 'none is named'}`,
      { reason: 'no-collector' },
    );
  const timeout = timeoutOf(config);
  return {
    ...value,
    ...(file === undefined ? {} : { cloud: { ca_file: file } }),
    ...(timeout === undefined ? {} : { scripts: { timeout_seconds: timeout } }),
  };
}

/** Returns the directory where os-collect-config caches the last metadata, in one file for each collector. */
export const cacheOf = (text: string): string =>
  read(text).general.get('cachedir')?.at(-1) || '/var/lib/os-collect-config';

const read = (text: string): PredecessorConfig => readOsloConfig(text, knownOptions);
