import { expect, test } from 'vitest';
import { unmappedEnvironment } from '../../../agent/migration/unmapped-environment.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';

const [OLD, NEW] = ['os-collect-config.service', 'coe-agent.service'];
const HEAT_PARAMS = '/etc/sysconfig/heat-params';

type Spec = { own?: string; files?: Record<string, string>; config?: string[] };

/** @param text what `systemctl show` prints of the predecessor's unit @returns the names of the variables */
async function unmapped(text: string, { own = '', files = {}, config = [] }: Spec = {}): Promise<string[]> {
  const { hands } = await createHands({ files: { [HEAT_PARAMS]: 'A="b"\n', ...files }, config });
  const unitSettings = async (unit: string) => await Promise.resolve(settingsOf(unit === OLD ? text : own));
  const found = await unmappedEnvironment(OLD, NEW, { ...hands, unitSettings }, NEVER);
  for (const { unit } of found) expect(unit).toBe(OLD);
  return found.map(({ name, instead }) => `${name}: ${instead}`);
}
const environment = (text: string): string => `Environment=${text}\n`;
const PROXY = 'HTTPS_PROXY=http://proxy:3128';
const UNMAPPED = [`HTTPS_PROXY: HTTPS_PROXY into ${HEAT_PARAMS}`];

test('a unit without variables needs nothing', async () => {
  expect(await unmapped(environment(''))).toEqual([]);
  expect(await unmapped(environment('LANG=C PATH=/bin'))).toEqual([]);
});

test.each([PROXY, PROXY.toLowerCase(), `"${PROXY}"`, `LANG=C ${PROXY} A=b`])(
  'a proxy in %s belongs into heat-params',
  async (text) => {
    expect(await unmapped(environment(text))).toEqual(UNMAPPED);
  },
);

test('reads a variable with spaces as systemctl quotes it', async () => {
  expect(await unmapped(environment('"NO_PROXY=a, b" LANG=C'))).toEqual([
    `NO_PROXY: NO_PROXY into ${HEAT_PARAMS}`,
  ]);
});

test('an environment file overrides the unit', async () => {
  const file = 'EnvironmentFiles=/etc/default/occ (ignore_errors=no)\n';
  const files = { '/etc/default/occ': `${PROXY}\n` };
  expect(await unmapped(environment('') + file, { files })).toEqual(UNMAPPED);
  const without = { '/etc/default/occ': 'HTTPS_PROXY=\n' };
  expect(await unmapped(environment(PROXY) + file, { files: without })).toEqual([]);
});

test("a proxy of heat-params or of the agent's own unit is seen", async () => {
  const files = { [HEAT_PARAMS]: 'HTTPS_PROXY="http://other:3128"\n' };
  expect(await unmapped(environment(PROXY), { files })).toEqual([]);
  expect(await unmapped(environment(PROXY), { own: environment('https_proxy=http://p:1') })).toEqual([]);
});

test.each(['REQUESTS_CA_BUNDLE', 'OS_CACERT'])(
  'the CA file of %s belongs into the configuration',
  async (name) => {
    const text = environment(`${name}=/etc/ca.pem`);
    expect(await unmapped(text)).toEqual([
      `${name}: cloud.ca_file: /etc/ca.pem into /etc/coe-agent/agent.yaml`,
    ]);
    expect(await unmapped(text, { config: ['cloud: { ca_file: /etc/ca.pem }'] })).toEqual([]);
    expect(await unmapped(text, { config: ['cloud: { ca_file: /etc/other.pem }'] })).toHaveLength(1);
  },
);
