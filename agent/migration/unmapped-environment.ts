import { readText } from '../../src/base/disk.ts';
import { given, parseHeatParams } from '../../src/metadata/heat-params.ts';
import { CONFIG_PATH } from '../config.ts';
import type { Hands } from '../hands.ts';
import { readParamsIfThere } from '../node.ts';

type Environment = ReadonlyMap<string, string>;

/** A variable of a unit, and the agent's setting for the same purpose. */
export type UnmappedVariable = { unit: string; name: string; instead: string };

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
/** Variables for the trust bundle of requests and of OpenStack's clients. */
const CA_FILES = ['REQUESTS_CA_BUNDLE', 'OS_CACERT'];

/** Lists variables that a unit uses to reach the cloud and that the agent's own unit, `successor`, lacks. */
export async function unmappedEnvironment(
  unit: string,
  successor: string,
  hands: Pick<Hands, 'disk' | 'config' | 'secrets' | 'unitSettings'>,
  abort: AbortSignal,
): Promise<UnmappedVariable[]> {
  const { config } = hands;
  const has = await environmentOf(unit, hands, abort);
  const heard = await environmentOf(successor, hands, abort);
  const params = await readParamsIfThere(hands);
  const proxies = PROXIES.filter((name) => has.get(name) && !given(params, name) && !heard.get(name));
  const trusts = CA_FILES.flatMap((name) => {
    const path = has.get(name);
    return path && path !== config.cloud.ca_file ? [{ name, path }] : [];
  });
  return [
    ...proxies.map((name) => ({ unit, name, instead: `${name} into ${config.heat_params}` })),
    ...trusts.map(({ name, path }) => ({
      unit,
      name,
      instead: `cloud.ca_file: ${path} into ${CONFIG_PATH}`,
    })),
  ];
}

/**
 * Returns a unit's variables. Its environment files override the others (systemd.exec(5)). Proxy variables may be upper
 * or lower case.
 */
async function environmentOf(
  unit: string,
  { disk, unitSettings }: Pick<Hands, 'disk' | 'unitSettings'>,
  abort: AbortSignal,
): Promise<Environment> {
  const { text, environmentFiles } = await unitSettings(unit, abort);
  const texts = [assignmentsOf(text)];
  for (const path of environmentFiles) texts.push((await readText(disk, path)) ?? '');
  const pairs = texts.flatMap((one) => [...parseHeatParams(one)]);
  return new Map(pairs.map(([name, value]) => [name.toUpperCase(), value]));
}

/**
 * Parses `Environment` from `systemctl show` into one assignment per line. systemctl quotes assignments that contain
 * spaces.
 */
const assignmentsOf = (text: string): string =>
  [...(/^Environment=(.*)$/m.exec(text)?.[1]?.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g) ?? [])]
    .map(([, quoted, plain]) => quoted ?? plain)
    .join('\n');
