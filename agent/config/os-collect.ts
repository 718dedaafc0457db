import { parse } from 'ini';
import { isObject } from '../../src/base/json.ts';
import {
  type PredecessorConfig,
  type Section,
  timeoutOf,
  translatePredecessor,
  trustedBy,
  withoutCounterpart,
  withUsableCollectors,
} from './predecessor.ts';

/** Where Heat's user data puts the poller's configuration. */
export const OS_COLLECT_CONFIG = '/etc/os-collect-config.conf';

/**
 * The predecessor's configuration (oslo.config INI) in the words of ours. Collectors that are not served are
 * told to `notice`, and so are options that change what it does and mean nothing here.
 */
export function translateOsCollectConfig(
  text: string,
  notice: (text: string) => void,
): Record<string, unknown> {
  const config = sectionsOf(text);
  const tell = (why: string): void => {
    notice(`${OS_COLLECT_CONFIG}: ${why}`);
  };
  for (const why of withoutCounterpart(config)) tell(why);
  const [file, ...others] = trustedBy(config);
  for (const other of others) tell(`the CAs in ${other} are not trusted: cloud.ca_file is one file, ${file}`);
  const value = withUsableCollectors(translatePredecessor(config), (name, why) => {
    tell(`the collector ${name} ${why} and is left out`);
  });
  const timeout = timeoutOf(config);
  return {
    ...value,
    ...(file === undefined ? {} : { cloud: { ca_file: file } }),
    ...(timeout === undefined ? {} : { scripts: { timeout_seconds: timeout } }),
  };
}

/** Where os-collect-config keeps the metadata that it has seen last, a file for each collector. */
export const cacheOf = (text: string): string =>
  sectionsOf(text).general.get('cachedir')?.at(-1) || '/var/lib/os-collect-config';

function sectionsOf(text: string): PredecessorConfig {
  const sections: unknown = parse(asIni(text));
  const section = (name: string): Section => {
    const found = isObject(sections) ? sections[name] : undefined;
    return new Map(
      Object.entries(isObject(found) ? found : {}).map(([key, value]) => [key, valuesOf(value)]),
    );
  };
  return { general: section('DEFAULT'), section };
}

/**
 * oslo.config knows no comment behind a value, takes `=` and `:`, drops one pair of quotes around the whole
 * value, continues it on indented lines, and allows any key repeatedly. The INI parser differs in all of it, so each
 * line is written anew in a form that it takes literally: a list of JSON strings.
 */
const asIni = (text: string): string =>
  wholeLines(text)
    .map((line) =>
      line.replace(/^([^=:[]+)[=:]([^\n]*)(.*)$/s, (_, key: string, first: string, more: string) => {
        const value = JSON.stringify(bare(first.trim()) + more);
        return `${key.trim()}[] = ${value}`;
      }),
    )
    .join('\n');

/** Each line with those that continue it; an empty line and a comment end it. */
function wholeLines(text: string): string[] {
  const lines: string[] = [];
  let isOpen = false;
  for (const line of text.split(/\r?\n/).map((one) => one.trimEnd())) {
    const isContinuation = /^[ \t]/.test(line);
    if (!isContinuation) {
      isOpen = /^[^#;[]/.test(line);
      if (!/^([#;]|$)/.test(line)) lines.push(line);
    } else if (isOpen) lines.push(`${lines.pop()}\n${line.trimStart()}`);
  }
  return lines;
}

const bare = (value: string): string =>
  /^["']/.test(value) && value.at(-1) === value[0] ? value.slice(1, -1) : value;

/** The INI parser turns `true`, `false` and `null` into more than text; here all values are text. */
const valuesOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
