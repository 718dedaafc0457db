import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { readDescription } from './load.d/description.ts';
import { report } from './load.d/report.ts';
import { startRun } from './load.d/run.ts';

/**
 * Runs clients of a cluster that read, write, watch, request tokens and keep streams open, counts each attempt, and
 * records the cluster's state meanwhile. `node scripts/load.ts CLUSTER.json --out FOLDER [--seconds N]`: CLUSTER.json
 * is a load.d/description.ts. It ends after N seconds, on SIGTERM or SIGINT, or at the end of its standard input if
 * that is a pipe. An input line starts a phase: {"mark": "trust", "expect": ["old", "both"]}. It looks at the cluster
 * every second, and each client makes an attempt every one to five seconds; --look-every and --slowdown relieve a slow
 * machine. It writes report.txt, report.json and record.jsonl to FOLDER.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string' },
    seconds: { type: 'string' },
    'look-every': { type: 'string', default: '1' },
    slowdown: { type: 'string', default: '1' },
  },
});
const [path] = positionals;
if (path === undefined || values.out === undefined)
  throw new Error(
    'usage: node scripts/load.ts CLUSTER.json --out FOLDER [--seconds N] [--look-every S] [--slowdown F]',
  );

const pace = { lookMs: Number(values['look-every']) * 1000, slowdown: Number(values.slowdown) };
if (!(pace.lookMs > 0 && pace.slowdown > 0)) throw new Error('--look-every and --slowdown want a number');

const Line = v.pipe(
  v.string(),
  v.parseJson(),
  v.strictObject({ mark: v.string(), expect: v.optional(v.array(v.string())) }),
);

const run = await startRun(await readDescription(path), pace, values.out);
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
