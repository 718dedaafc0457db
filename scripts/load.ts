import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { readDescription } from './load.d/description.ts';
import { report } from './load.d/report.ts';
import { startRun } from './load.d/run.ts';

/**
 * Clients of a cluster that read, write, watch, ask for tokens and keep streams open, each attempt counted, and a record
 * of how the cluster is meanwhile. `node scripts/load.ts CLUSTER.json --out FOLDER [--seconds N]`: CLUSTER.json is a
 * load.d/description.ts. It ends after N seconds, with SIGTERM or SIGINT, or when its standard input, if that is a pipe,
 * ends; a line there begins a phase: {"mark": "trust", "expect": ["old", "both"]}. FOLDER gets report.txt, report.json
 * and record.jsonl.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' }, seconds: { type: 'string' } },
});
const [path] = positionals;
if (path === undefined || values.out === undefined)
  throw new Error('usage: node scripts/load.ts CLUSTER.json --out FOLDER [--seconds N]');

const Line = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({ mark: v.string(), expect: v.optional(v.array(v.string())) }),
);

const run = await startRun(await readDescription(path), values.out);
await new Promise<void>((resolve) => {
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve());
  if (values.seconds !== undefined) setTimeout(resolve, Number(values.seconds) * 1000);
  else if (!process.stdin.isTTY) process.stdin.once('end', resolve);
  createInterface({ input: process.stdin }).on('line', (line) => {
    const { mark, expect } = v.parse(Line, line);
    run.mark(mark, expect);
  });
});
const result = await run.stop();
const text = report(result).join('\n');
await writeFile(join(values.out, 'report.json'), JSON.stringify(result, undefined, 2));
await writeFile(join(values.out, 'report.txt'), `${text}\n`);
console.log(text);
process.stdin.destroy();
