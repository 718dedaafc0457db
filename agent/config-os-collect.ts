import { parse } from 'ini';
import { isObject } from '../src/base/json.ts';
import { SERVED_COLLECTORS } from '../src/metadata/collector.ts';

/** Where Heat's user data puts the poller's configuration. */
export const OS_COLLECT_CONFIG = '/etc/os-collect-config.conf';

/** The predecessor's own default, as far as it is served here. */
const DEFAULT_COLLECTORS = ['heat', 'heat_local', 'local'];

/**
 * The predecessor's configuration (oslo.config INI) in the words of ours. Options that mean nothing here are
 * passed over; collectors that are not served are told to `notice`.
 */
export function translateOsCollectConfig(
  text: string,
  notice: (text: string) => void,
): Record<string, unknown> {
  const sections: unknown = parse(asIni(text));
  const section = (name: string): Record<string, unknown> => {
    const found = isObject(sections) ? sections[name] : undefined;
    return isObject(found) ? found : {};
  };
  const general = section('DEFAULT');
  const wanted = listOf(general['collectors']);
  const served: readonly string[] = SERVED_COLLECTORS;
  for (const name of wanted.filter((one) => !served.includes(one)))
    notice(`${OS_COLLECT_CONFIG}: the collector ${name} is not served and is left out`);
  const collectors = (wanted.length > 0 ? wanted : DEFAULT_COLLECTORS).filter((name) =>
    served.includes(name),
  );

  const heat = pick(section('heat'), [
    'auth_url',
    'user_id',
    'password',
    'project_id',
    'stack_id',
    'resource_name',
    'region_name',
  ]);
  const heatLocal = listOf(section('heat_local')['path']);
  const local = listOf(section('local')['path']);
  const slowest = Number(lastOf(general['polling_interval']) ?? 30);
  const fastest = Math.min(Number(lastOf(general['min_polling_interval']) ?? 1), slowest);
  return {
    collectors,
    ...(Object.keys(heat).length > 0 ? { heat } : {}),
    ...(heatLocal.length > 0 ? { heat_local: { path: heatLocal } } : {}),
    ...(local.length > 0 ? { local: { path: local } } : {}),
    poll: { min_seconds: fastest || 1, max_seconds: slowest || 30 },
  };
}

/**
 * oslo.config knows no comment behind a value, takes `=` and `:`, drops one pair of quotes around the whole
 * value, and allows any key repeatedly. The INI parser differs in all of it, so each line is written anew in
 * a form that it takes literally: a list of JSON strings.
 */
const asIni = (text: string): string =>
  text
    .split(/\r?\n/)
    .filter((line) => !/^\s*[#;]/.test(line))
    .map((line) =>
      line.replace(
        /^([^=:[]+)[=:](.*)$/s,
        (_, key: string, value: string) => `${key.trim()}[] = ${JSON.stringify(bare(value.trim()))}`,
      ),
    )
    .join('\n');

const bare = (value: string): string =>
  /^["']/.test(value) && value.at(-1) === value[0] ? value.slice(1, -1) : value;

/** `a`, a repeated key, `a,b` or `['a', 'b']`, as oslo.config and Heat's templates write lists. */
const listOf = (value: unknown): string[] => {
  return valuesOf(value)
    .flatMap((item) => item.replaceAll(/[[\]'"]/g, '').split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
};

/** The INI parser turns `true`, `false` and `null` into more than text; here all values are text. */
const valuesOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Of a repeated key that is no list the last one counts. */
const lastOf = (value: unknown): string | undefined => valuesOf(value).at(-1);

const pick = (from: Record<string, unknown>, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = lastOf(from[key]);
      return value === undefined || value === '' ? [] : [[key, value]];
    }),
  );
