import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { report } from './bench.d/report.ts';
import { createBench, type Run } from './bench.d/run.ts';

/**
 * Measures the agent on this machine: `npm run bench`, `npm run bench -- --runs 9 --json`. Every run is a separate
 * daemon, observed from outside: /proc, its requests to the cloud, and its log.
 */

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const count = Number(values.runs);
if (!Number.isInteger(count) || count < 1) throw new Error('--runs wants a number');

const bench = await createBench();
const runs: Run[] = [];
try {
  for (let number = 1; number <= count; number += 1) {
    if (!values.json && process.stderr.isTTY) process.stderr.write(`\rrun ${number} of ${count} ...`);
    runs.push(await bench.measure());
  }
} finally {
  if (!values.json && process.stderr.isTTY) process.stderr.write('\r\u001B[2K');
  await bench.close();
}
const machine = { cores: availableParallelism(), node: process.version };
if (values.json) console.log(JSON.stringify({ machine, runs }, undefined, 2));
else for (const line of report(runs, machine)) console.log(line);
