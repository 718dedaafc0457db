import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import type { Deployment } from '../../../src/deployment/deployment.ts';
import { isObject } from '../../../src/base/json.ts';
import { writeRecord } from '../../../src/base/record.ts';
import { type Ledger, openLedger } from '../../../src/deployment/ledger.ts';
import { succeeded } from '../../../src/deployment/outcome.ts';
import { testClock } from '../support/clock.ts';
import { deployment, HEAT_SIGNAL } from '../support/deployments.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot, type TempRoot } from '../support/temp-root.ts';

const DIRECTORY = '/var/lib/coe-agent/deployments';
const outcome = succeeded('done\n', { fingerprint: 'ab' });
const work = deployment(HEAT_SIGNAL, { outputs: [{ name: 'fingerprint' }] });
const { id } = work;

type SetUp = TempRoot & { ledger: Ledger; damaged: string[]; reopen(): Promise<Ledger> };

async function setUp(): Promise<SetUp> {
  const temp = await tempRoot();
  const clock = testClock();
  const damaged: string[] = [];
  const reopen = async (): Promise<Ledger> => {
    clock.advance(1000);
    return await openLedger({ disk: temp.disk, clock, onDamage: (path) => damaged.push(path) }, DIRECTORY);
  };
  return { ...temp, damaged, reopen, ledger: await reopen() };
}

test('writes each state to disk before the next step, and counts a finished deployment as settled', async () => {
  const { ledger, reopen } = await setUp();
  const states: [string | undefined, boolean][] = [];
  const note = async (): Promise<void> => {
    const again = await reopen();
    expect(again.find(id)).toEqual(ledger.find(id));
    states.push([again.find(id)?.state, again.settledAt(id) !== undefined]);
  };
  await note();
  await ledger.accept(work);
  await note();
  await ledger.start(id);
  await note();
  await ledger.finish(id, outcome);
  await note();
  expect((await reopen()).find(id)?.outcome).toEqual(outcome);
  await ledger.signalled(id);
  await note();
  expect(states).toEqual([
    [undefined, false],
    ['accepted', false],
    ['started', false],
    ['finished', true],
    ['signalled', true],
  ]);
});

test('keeps the signal until it is acknowledged or no longer wanted', async () => {
  for (const end of ['signalled', 'supersede'] as const) {
    const { ledger, files, read } = await setUp();
    await ledger.accept(work);
    await ledger.finish(id, outcome);
    expect(ledger.find(id)?.signal).toEqual(work.signal);
    await ledger[end](id);
    expect(ledger.find(id)?.signal).toBeUndefined();
    for (const file of await files()) expect(await read(file)).not.toContain(HEAT_SIGNAL.deploy_password);
  }
});

test('does not store the inputs, which contain secrets', async () => {
  const { ledger, read } = await setUp();
  await ledger.accept(deployment({ keystone_token: 'gAAAA-secret' }));
  expect(await read(`${DIRECTORY}/${id}.json`)).not.toContain('gAAAA-secret');
});

test('lets only the owner read records', async () => {
  const { ledger, disk } = await setUp();
  await ledger.accept(work);
  expect(await disk.info(`${DIRECTORY}/${id}.json`)).toMatchObject({ mode: 0o600 });
  expect(await disk.info(DIRECTORY)).toMatchObject({ mode: 0o700 });
});

test('counts deployments that the predecessor applied as settled, and ignores its notify files', async () => {
  const { write, reopen } = await setUp();
  await write('/var/lib/heat-config/deployed/one.json', '{}');
  await write('/var/lib/heat-config/deployed/two.notify.json', '{}');
  await write('/var/run/heat-config/deployed/three.json', '');
  const ledger = await reopen();
  expect(['one', 'two', 'two.notify', 'three', 'four'].map((name) => ledger.settledAt(name))).toEqual([
    0,
    undefined,
    undefined,
    0,
    undefined,
  ]);
  expect(ledger.entries()).toEqual([]);
});

test('runs a deployment that the predecessor had started under the same id once it is accepted here', async () => {
  const { ledger, write, reopen } = await setUp();
  await write(`/var/lib/heat-config/deployed/${id}.json`, '{}');
  await ledger.accept(work);
  expect((await reopen()).settledAt(id)).toBeUndefined();
});

test.each([
  ['cut', (text: string) => text.slice(0, 40)],
  ['altered', (text: string) => text.replace('"finished"', '"accepted"')],
  ['empty', () => ''],
  ['something else', () => '{"id":1}\n'],
])(
  'reports a record that is %s, and neither settles nor knows it until it is accepted again',
  async (_, damage) => {
    const { ledger, read, write, reopen, damaged } = await setUp();
    await ledger.accept(work);
    await ledger.finish(id, outcome);
    const path = `${DIRECTORY}/${id}.json`;
    await write(path, damage(await read(path)));
    const again = await reopen();
    expect(damaged).toEqual([path]);
    expect(again.damaged(id)).toBe(true);
    expect(again.settledAt(id)).toBeUndefined();
    expect(again.find(id)).toBeUndefined();
    await again.accept(work);
    expect(again.damaged(id)).toBe(false);
    expect((await reopen()).damaged(id)).toBe(false);
  },
);

test('returns entries in order of acceptance, and finds earlier ones of a resource', async () => {
  const { reopen } = await setUp();
  for (const name of ['c', 'a', 'b']) {
    const ledger = await reopen();
    await ledger.accept({ ...work, id: name, resource: name === 'a' ? 'other' : 'r' });
  }
  const ledger = await reopen();
  expect(ledger.entries().map((entry) => entry.id)).toEqual(['c', 'a', 'b']);
  expect(ledger.earlier({ id: 'b', resource: 'r' }).map((entry) => entry.id)).toEqual(['c']);
});

test('rejects starting or finishing an unaccepted deployment', async () => {
  const { ledger } = await setUp();
  for (const run of [ledger.start(id), ledger.finish(id, outcome), ledger.signalled(id)])
    expect(await agentErrorOf(run)).toMatchObject({ code: 'state' });
});

test('does not keep in memory what it could not write', async () => {
  const temp = await tempRoot();
  const disk = { ...temp.disk, rename: async () => await Promise.reject(new AgentError('disk', 'full')) };
  const ledger = await openLedger({ disk, clock: testClock(), onDamage: () => undefined }, DIRECTORY);
  await agentErrorOf(ledger.accept(work));
  expect(ledger.find(id)).toBeUndefined();
});

test('ignores leftovers of an interrupted write', async () => {
  const { ledger, write, reopen, damaged } = await setUp();
  await ledger.accept(work);
  await write(`${DIRECTORY}/.${id}.json.new`, 'half');
  expect((await reopen()).entries()).toHaveLength(1);
  expect(damaged).toEqual([]);
});

/** Makes the numbered deployment of a resource. */
const of = (number: number, resource: string): Deployment => ({
  ...work,
  id: `${resource}-${number}`,
  resource,
  createdAt: number,
});

test('remembers the last twenty answered deployments of a resource, and every open one', async () => {
  const { ledger, reopen, files } = await setUp();
  await ledger.accept(of(0, 'busy'));
  await ledger.accept(of(0, 'quiet'));
  await ledger.finish('quiet-0', outcome);
  await ledger.signalled('quiet-0');
  for (let number = 1; number <= 25; number += 1) {
    const next = of(number, 'busy');
    await ledger.accept(next);
    await ledger.finish(next.id, outcome);
    await ledger.signalled(next.id);
  }
  const known = (await reopen()).entries().map((entry) => entry.id);
  // The twenty-fifth was added to twenty-four.
  const last = Array.from({ length: 21 }, (_, index) => `busy-${index + 5}`);
  expect(known.toSorted()).toEqual(['busy-0', 'quiet-0', ...last].toSorted());
  expect((await files(DIRECTORY)).length).toBe(known.length);
});

test('reads any record as an entry or reports it as damaged', async () => {
  const { ledger, reopen, disk, damaged } = await setUp();
  await ledger.accept(work);
  const entry = { ...ledger.find(id) };
  const part = fc.constantFrom(...Object.keys(entry), '__proto__');
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(fc.jsonValue(), fc.dictionary(part, fc.jsonValue())),
      fc.boolean(),
      async (value, whole) => {
        const record: unknown = whole ? value : { ...entry, ...(isObject(value) ? value : {}) };
        await writeRecord(disk, `${DIRECTORY}/${id}.json`, record);
        damaged.length = 0;
        const again = await reopen();
        expect(again.entries().length + damaged.length).toBe(1);
      },
    ),
  );
});
