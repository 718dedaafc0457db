import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle, NODE_FLAGS } from '../../scripts/lib/bundle.ts';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { createMemoryGroup } from '../fakes/memory-group.ts';
import { createSite } from './support/site.ts';

/** The fields of `run-once --json` that matter here. */
const Report = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    settled: v.array(v.object({ id: v.string(), outcome: v.object({ statusCode: v.number() }) })),
  }),
);

/** The installed program, within its unit's memory limit. */
let cloud: Cloud;
let directory: string;
let program: string;
beforeAll(async () => {
  cloud = await startCloud();
  directory = await mkdtemp(join(tmpdir(), 'coe-memory-'));
  ({ program } = await bundle(directory));
});
afterAll(async () => {
  await cloud.close();
  await rm(directory, { recursive: true });
});

/** Returns the output, also of a failing program; a killed one has none. */
const outputOf = async (program: string, args: readonly string[]): Promise<string> =>
  await new Promise((resolve) => {
    execFile(program, args, (_, stdout) => {
      resolve(stdout);
    });
  });

const probe = createMemoryGroup('coe-agent-probe', 384 * 2 ** 20);
if (typeof probe !== 'string') probe.remove();

const unit = await readFile(join(import.meta.dirname, '../../systemd/coe-agent.service'), 'utf8');
const MEMORY_MAX = Number(/^MemoryMax=(\d+)M$/m.exec(unit)?.[1]) * 2 ** 20;

const GOOD = '{"id":"good","group":"script","config":"#!/bin/sh\\necho good","inputs":[]}';
const odd = (inputs: string): string =>
  `{"id":"odd","group":"script","config":"#!/bin/sh\\necho ran","inputs":${inputs}}`;
const valued = (value: string): string => odd(`[{"name":"x","type":"Json","value":${value}}]`);
const inputs = Array.from({ length: 200_000 }, (_, index) => `{"name":"n${index}","value":"${index}"}`);

const INPUTS: readonly (readonly [string, () => string])[] = [
  ['10 MB of nested lists', () => valued('['.repeat(5e6) + ']'.repeat(5e6))],
  ['4 MB of nested lists', () => valued('['.repeat(2e6) + ']'.repeat(2e6))],
  ['4 MB of lists that do not end', () => valued('['.repeat(4e6))],
  ['15 MB of "0,"', () => valued(`[${'0,'.repeat(7.5e6)}0]`)],
  ['6 MB of "0,"', () => valued(`[${'0,'.repeat(3e6)}0]`)],
  ['6 MB of lists of 5000 zeros', () => valued(`[${`[${'0,'.repeat(4999)}0],`.repeat(600)}0]`)],
  ['6 MB of empty maps', () => valued(`[${'{},'.repeat(2e6)}0]`)],
  ['200,000 inputs', () => odd(`[${inputs.join(',')}]`)],
  ['7 MB of text beyond Latin', () => valued(`"${'\u20ac'.repeat(2.3e6)}"`)],
  [
    '7 MB of secrets',
    () =>
      odd(
        `[{"name":"tokens","value":[${inputs
          .slice(0, 9000)
          .map((_, i) => `"secret-${i}-${'x'.repeat(700)}"`)
          .join(',')}]}]`,
      ),
  ],
];

describe.skipIf(typeof probe === 'string')(
  `within MemoryMax of the unit${typeof probe === 'string' ? ` (left out: ${probe})` : ''}`,
  () => {
    test.each(INPUTS)(
      'isolates %s: the file beside it is processed',
      async (_, text) => {
        const site = await createSite(cloud, { bare: true, config: { collectors: ['local'] } });
        const at = '/var/lib/os-collect-config/local-data';
        await site.node.write(`${at}/a.json`, `{"deployments":[${text()}]}`);
        await site.node.write(`${at}/b.json`, `{"deployments":[${GOOD}]}`);
        const group = createMemoryGroup('coe-agent', MEMORY_MAX);
        if (typeof group === 'string') throw new Error(group);
        try {
          const args = [...NODE_FLAGS, program, 'run-once', '--json', '--root', site.node.root];
          const stdout = await outputOf(...group.command(process.execPath, args));
          expect(v.parse(Report, stdout).settled).toContainEqual({ id: 'good', outcome: { statusCode: 0 } });
          expect(group.peak()).toBeLessThan(0.9 * MEMORY_MAX);
        } finally {
          group.remove();
        }
      },
      180_000,
    );
  },
);
