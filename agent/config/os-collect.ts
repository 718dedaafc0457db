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

/** Where Heat's user data puts the poller's configuration. */
export const OS_COLLECT_CONFIG = '/etc/os-collect-config.conf';

/**
 * The predecessor's configuration in the words of ours. Collectors that are not served, or not configured in whole,
 * are told to `notice`, and so are options that change what the predecessor does and mean nothing here.
 *
 * @throws `config` when none of the collectors can be asked
 */
export function translateOsCollectConfig(
  text: string,
  notice: (ignored: Ignored) => void,
  /** `false`: nothing is collected, and which collectors are usable does not matter. */
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
      text: `the CAs in ${other} are not trusted: cloud.ca_file is one file, ${file}`,
    });
  const { value, leftOut } = withUsableCollectors(translatePredecessor(config));
  if (collects) for (const one of leftOut) tell({ ...one, text: `${one.text}; the collector is left out` });
  if (collects && value.collectors.length === 0)
    throw new AgentError(
      'config',
      `${OS_COLLECT_CONFIG}: no collector can be asked: ${leftOut.map(({ text: why }) => why).join('; ') || 'none is named'}`,
      { reason: 'no-collector' },
    );
  const timeout = timeoutOf(config);
  return {
    ...value,
    ...(file === undefined ? {} : { cloud: { ca_file: file } }),
    ...(timeout === undefined ? {} : { scripts: { timeout_seconds: timeout } }),
  };
}

/** Where os-collect-config keeps the metadata that it has seen last, a file for each collector. */
export const cacheOf = (text: string): string =>
  read(text).general.get('cachedir')?.at(-1) || '/var/lib/os-collect-config';

const read = (text: string): PredecessorConfig => readOsloConfig(text, knownOptions);
