import { readText } from '../../src/base/disk.ts';
import { given, parseHeatParams } from '../../src/metadata/heat-params.ts';
import { CONFIG_PATH } from '../config.ts';
import type { Hands } from '../hands.ts';
import { readParamsIfThere } from '../node.ts';

type Environment = ReadonlyMap<string, string>;

/** A variable that a unit is started with, and where the agent wants to be told the same. */
export type UnmappedVariable = { unit: string; name: string; instead: string };

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'];
/** The variables that name the trust bundle of requests and of OpenStack's clients. */
const CA_FILES = ['REQUESTS_CA_BUNDLE', 'OS_CACERT'];

/** Variables of a unit about reaching the cloud that the agent's own unit, `successor`, does not have. */
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

/** A unit's variables, over which its files have the last word (systemd.exec(5)); proxies are named in either case. */
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

/** `Environment` as `systemctl show` prints it, one assignment each; one with blanks is quoted there. */
const assignmentsOf = (text: string): string =>
  [...(/^Environment=(.*)$/m.exec(text)?.[1]?.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g) ?? [])]
    .map(([, quoted, plain]) => quoted ?? plain)
    .join('\n');
