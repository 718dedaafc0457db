#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { text } from 'node:stream/consumers';
import { runCli } from './cli.ts';

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  self: [process.execPath, ...process.execArgv, process.argv[1] ?? ''],
  env: process.env,
  pid: process.pid,
  stdin: async () => await text(process.stdin),
  stdout: process.stdout,
  stderr: process.stderr,
});
