import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { logged } from '../../scenarios/support/logged.ts';
import { openPollingOverride } from '../../../agent/polling/polling-override.ts';
import type { Config } from '../../../agent/config.ts';
import { loadConfig } from '../../../agent/config.ts';
import { EVENTS } from '../../../agent/events.ts';
import { createLog } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { agentErrorOf } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';
import { fastClock } from '../../scenarios/support/clock.ts';

const PATH = '/var/lib/coe-agent/polling.json';
const YAML = '/etc/coe-agent/agent.yaml';

const HEAT = {
  auth_url: 'http://k/v3',
  user_id: 'u',
  password: 'heat password',
  project_id: 'p',
  stack_id: 's/1',
  resource_name: 'r',
};
const CFN = {
  metadata_url: 'http://h/v1/',
  stack_name: 's',
  path: 'r.Metadata',
  access_key_id: 'k',
  secret_access_key: 'cfn secret',
};
/** As Heat writes it when a server's transport changes. */
const TO_CFN = {
  collectors: ['cfn', 'local'],
  heat: Object.fromEntries(Object.keys(HEAT).map((key) => [key, null])),
  cfn: CFN,
};
const TO_REQUEST = {
  collectors: ['request', 'local'],
  request: { metadata_url: 'http://swift/o?temp_url_sig=abcdef' },
};

const SILENT = { why: 'cfn: no answer', refused: false };
const REFUSED = { why: 'cfn: 404', refused: true };

/** Makes a node that polls Heat; `start` starts the program, as a reload does. */
async function setUp(yaml = `heat: ${JSON.stringify(HEAT)}\npoll: { max_seconds: 20 }\n`) {
  const { disk, write, at, read } = await tempRoot();
  await write(YAML, yaml);
  const clock = fastClock();
  const secrets = createSecrets();
  const lines: string[] = [];
  const log = createLog({
    events: EVENTS,
    level: 'debug',
    style: 'json',
    secrets,
    write: (line) => lines.push(line),
  });
  const start = async () =>
    await openPollingOverride(await loadConfig(disk, YAML, () => undefined), PATH, {
      disk,
      clock,
      log,
      secrets,
    });
  return { start, write, read, at, clock, lines, secrets };
}

const collectorsOf = ({ config }: { config: Config }): readonly string[] => config.collectors;

/** Polls without an answer this many times, and returns the last result. */
async function silence(start: () => ReturnType<typeof openPollingOverride>, times: number): Promise<boolean> {
  let last = false;
  for (let poll = 0; poll < times; poll += 1) last = await (await start()).override.observe(SILENT);
  return last;
}

test('applies a section from the next start on, durably, in a file for its owner only', async () => {
  const { start, at, secrets } = await setUp();
  const first = await start();
  expect(collectorsOf(first)).toEqual(['heat', 'local']);
  expect(await first.override.apply(TO_CFN)).toBe(true);
  const second = await start();
  expect(second.config).toMatchObject({
    collectors: ['cfn', 'local'],
    cfn: { ...CFN, path: ['r.Metadata'] },
    // Keys that the section does not contain stay.
    poll: { min_seconds: 1, max_seconds: 20 },
    heat_params: '/etc/sysconfig/heat-params',
  });
  expect((await stat(at(PATH))).mode & 0o777).toBe(0o600);
  expect(secrets.redact('the cfn secret')).toBe('the ***');
  expect(second.override.describe()).toMatchObject({ state: 'trial', isSettled: false });
  expect(await second.override.observe(undefined)).toBe(false);
  expect((await start()).override.describe()).toMatchObject({ state: 'adopted', isSettled: true });
});

test('ignores a section that repeats how the node polls', async () => {
  const { start, at } = await setUp();
  for (const section of [
    undefined,
    null,
    {},
    { collectors: ['heat', 'local'], heat: HEAT, cfn: { stack_name: null } },
  ])
    expect(await (await start()).override.apply(section)).toBe(false);
  await expect(stat(at(PATH))).rejects.toThrow('ENOENT');
});

test('uses the polling interval of a section as the maximum wait', async () => {
  const { start } = await setUp();
  expect(await (await start()).override.apply({ polling_interval: 5 })).toBe(true);
  expect((await start()).config.poll).toMatchObject({ min_seconds: 1, max_seconds: 5 });
});

test('keeps the intervals if a section contains only the splay', async () => {
  const { start } = await setUp();
  expect(await (await start()).override.apply({ splay: 20 })).toBe(true);
  expect((await start()).config.poll).toEqual({ min_seconds: 1, max_seconds: 20, splay_seconds: 20 });
});

test('falls back from a new transport that does not answer, and ignores the same section', async () => {
  const { start, lines } = await setUp();
  await (await start()).override.apply(TO_CFN);
  expect(await silence(start, 5)).toBe(false);
  expect(collectorsOf(await start())).toEqual(['cfn', 'local']);
  expect(await silence(start, 1)).toBe(true);
  const back = await start();
  expect(collectorsOf(back)).toEqual(['heat', 'local']);
  expect(back.override.describe()).toMatchObject({ state: 'given-up', isSettled: false });
  expect(await back.override.apply(TO_CFN)).toBe(false);
  expect(logged(lines, 'polling-override-given-up')).toMatchObject([{ why: SILENT.why }]);
});

test('keeps a transport after one answer, through any silence', async () => {
  const { start } = await setUp();
  await (await start()).override.apply(TO_CFN);
  await silence(start, 5);
  await (await start()).override.observe(undefined);
  expect(await silence(start, 100)).toBe(false);
  expect(collectorsOf(await start())).toEqual(['cfn', 'local']);
});

test.each([31 * 60_000, -31 * 60_000])(
  'retries an abandoned section later (clock %i ms ahead)',
  async (ms) => {
    const { start, clock } = await setUp();
    await (await start()).override.apply(TO_CFN);
    await silence(start, 6);
    clock.jump(29 * 60_000 * Math.sign(ms));
    expect(await (await start()).override.observe(undefined)).toBe(false);
    clock.jump(ms);
    expect(await (await start()).override.observe({ ...SILENT, why: 'heat: no answer' })).toBe(true);
    expect(collectorsOf(await start())).toEqual(['cfn', 'local']);
  },
);

test('closes a transport that answered once and then rejects for long; the former one decides again', async () => {
  const { start } = await setUp();
  await (await start()).override.apply(TO_CFN);
  await (await start()).override.observe(undefined);
  const { override } = await start();
  const ends: boolean[] = [];
  for (let poll = 0; poll < 19; poll += 1) ends.push(await override.observe(REFUSED));
  ends.push(await override.observe(SILENT));
  for (let poll = 0; poll < 20; poll += 1) ends.push(await override.observe(REFUSED));
  // A cloud that is down in between rejects nothing.
  expect(ends.indexOf(true)).toBe(39);
  const back = await start();
  expect(collectorsOf(back)).toEqual(['heat', 'local']);
  expect(await back.override.apply(TO_REQUEST)).toBe(true);
  expect(collectorsOf(await start())).toEqual(['request', 'local']);
});

test('retries the new transport without a wait when the former one is silent too', async () => {
  const { start } = await setUp();
  await (await start()).override.apply(TO_CFN);
  await silence(start, 6);
  const { override } = await start();
  const ends: boolean[] = [];
  for (let poll = 0; poll < 6; poll += 1) ends.push(await override.observe(SILENT));
  expect(ends).toEqual([false, false, false, false, false, true]);
  expect(collectorsOf(await start())).toEqual(['cfn', 'local']);
});

test('falls back to the last transport that answered', async () => {
  const { start } = await setUp();
  await (await start()).override.apply(TO_CFN);
  await (await start()).override.observe(undefined);
  await (await start()).override.apply(TO_REQUEST);
  expect(collectorsOf(await start())).toEqual(['request', 'local']);
  await silence(start, 6);
  expect(collectorsOf(await start())).toEqual(['cfn', 'local']);
});

test('replaces a section on trial by another one, and keeps the fallback', async () => {
  const { start } = await setUp();
  await (await start()).override.apply(TO_CFN);
  await (await start()).override.apply(TO_REQUEST);
  await silence(start, 6);
  expect(collectorsOf(await start())).toEqual(['heat', 'local']);
});

test('does not retry an abandoned section that is no longer listed', async () => {
  const { start, clock } = await setUp();
  await (await start()).override.apply(TO_CFN);
  await silence(start, 6);
  expect(await (await start()).override.apply({ collectors: ['heat', 'local'], heat: HEAT })).toBe(false);
  clock.jump(3_600_000);
  expect(await (await start()).override.observe(undefined)).toBe(false);
  expect(collectorsOf(await start())).toEqual(['heat', 'local']);
});

test('gives precedence to a configuration that was changed since', async () => {
  const { start, write } = await setUp();
  await (await start()).override.apply(TO_CFN);
  await write(YAML, `heat: ${JSON.stringify({ ...HEAT, password: 'another' })}\n`);
  expect(collectorsOf(await start())).toEqual(['heat', 'local']);
  await write(YAML, `heat: ${JSON.stringify(HEAT)}\npoll: { max_seconds: 20 }\nkeys: ec-p256\n`);
  expect(collectorsOf(await start())).toEqual(['cfn', 'local']);
});

test('ignores a record that is cut or altered', async () => {
  const { start, write, read, lines } = await setUp();
  await (await start()).override.apply(TO_CFN);
  const record = await read(PATH);
  const after = async (change: Promise<void>): Promise<readonly string[]> => {
    await change;
    return collectorsOf(await start());
  };
  for (const text of [record.slice(0, 40), record.replace('cfn', 'xfn'), '', '{}'])
    expect(await after(write(PATH, text))).toEqual(['heat', 'local']);
  expect(logged(lines, 'polling-override-unreadable')).not.toEqual([]);
});

test.each([
  [{ collectors: ['cfn', 'local'] }, 'section-missing'],
  [{ collectors: ['pigeon'] }, 'collector-not-served'],
  [{ collectors: ['heat'], heat: { user_id: 'other' } }, 'invalid'],
  [{ collectors: ['request'], request: { metadata_url: 'file:///etc/shadow' } }, 'invalid'],
  [{ collectors: ['local'], local: { path: 'relative' } }, 'invalid'],
  [['cfn'], 'not-a-map'],
  ['cfn', 'not-a-map'],
])('rejects an unusable section, and changes nothing: %j', async (section, reason) => {
  const { start, at } = await setUp();
  const error = await agentErrorOf((await start()).override.apply(section));
  expect(error).toMatchObject({ code: 'bad-metadata', reason: 'polling-section', cause: { reason } });
  await expect(stat(at(PATH))).rejects.toThrow('ENOENT');
});
