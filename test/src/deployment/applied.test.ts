import { stat } from 'node:fs/promises';
import { expect, test } from 'vitest';
import {
  appliedByHeatConfig,
  HEAT_CONFIG,
  readTakenOver,
  tellHeatConfig,
  writeTakenOver,
} from '../../../src/deployment/applied.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { tempRoot } from '../support/temp-root.ts';

const [NEW, FORMER] = HEAT_CONFIG;

test('reads which deployments heat-config has started and answered, from both directories', async () => {
  const { disk, write } = await tempRoot();
  expect(await appliedByHeatConfig(disk)).toEqual([]);
  await write(`${NEW}/a.json`, '{}');
  await write(`${NEW}/a.notify.json`, '{}');
  await write(`${NEW}/b.json`, '{}');
  await write(`${NEW}/readme`, '');
  // The first directory takes precedence.
  await write(`${FORMER}/b.json`, '{}');
  await write(`${FORMER}/b.notify.json`, '{}');
  await write(`${FORMER}/c.json`, '{}');
  expect(await appliedByHeatConfig(disk)).toEqual([
    { id: 'a', answered: true },
    { id: 'b', answered: false },
    { id: 'c', answered: false },
  ]);
});

test('marks deployments as applied for heat-config, and keeps its own files', async () => {
  const { disk, write, read, at } = await tempRoot();
  await write(`${NEW}/a.json`, 'its own');
  await tellHeatConfig(disk, ['a', 'b']);
  expect(await read(`${NEW}/a.json`)).toBe('its own');
  expect(JSON.parse(await read(`${NEW}/b.json`))).toEqual({ id: 'b' });
  expect((await stat(at(`${NEW}/b.json`))).mode & 0o777).toBe(0o600);
  expect((await appliedByHeatConfig(disk)).map(({ id }) => id)).toEqual(['a', 'b']);
});

test('records the imported ids, and reports a damaged record', async () => {
  const { disk, write } = await tempRoot();
  const path = '/var/lib/coe-agent/taken-over.json';
  expect(await readTakenOver(disk, path)).toEqual([]);
  await disk.makeDirectory('/var/lib/coe-agent', { mode: 0o700 });
  await writeTakenOver(disk, path, ['a', 'b']);
  expect(await readTakenOver(disk, path)).toEqual(['a', 'b']);
  await write(path, '["a"]');
  expect(await agentErrorOf(readTakenOver(disk, path))).toMatchObject({ code: 'state' });
});
