#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { text } from 'node:stream/consumers';
import { explain } from '../src/base/errors.ts';
import { runCli } from './cli.ts';
import { EXIT } from './commands/exit-code.ts';
import { surviveReader } from './process-io.ts';

const faultOfOutput = surviveReader(process.stdout);
surviveReader(process.stderr);
const code = await runCli({
  argv: process.argv.slice(2),
  self: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
  env: process.env,
  pid: process.pid,
  stdin: async () => await text(process.stdin),
  stdout: process.stdout,
  stderr: process.stderr,
});
process.exitCode = code;
// A stream may report a failed write only after the verb has returned.
process.once('exit', () => {
  const fault = faultOfOutput();
  if (!fault) return;
  process.stderr.write(`agent: writing to standard output: ${explain(fault)}\n`);
  if (code === EXIT.done) process.exitCode = EXIT.deploymentFailed;
});
