import { expect, test } from 'vitest';
import { awaitConfiguration } from '../../../agent/commands/await-configuration.ts';
import { loadConfig } from '../../../agent/config.ts';
import { EVENTS } from '../../../agent/events.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { AgentError, codeOf } from '../../../src/base/errors.ts';
import { createLog } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { logged } from '../../scenarios/support/logged.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const PATH = '/etc/coe-agent/agent.yaml';

async function waiting() {
  const { root, disk, write } = await tempRoot();
  const lines: string[] = [];
  const log = createLog({
    events: EVENTS,
    level: 'info',
    style: 'json',
    secrets: createSecrets(),
    write: (line) => lines.push(line),
  });
  const stop = new AbortController();
  const heard: string[] = [];
  /** Resolves after the given number of messages to systemd. */
  const told = Promise.withResolvers<void>();
  const notify = {
    status: (text: string) => {
      heard.push(text);
      told.resolve();
    },
    atWork: () => undefined,
  };
  const hands = { root, configPath: PATH, clock: systemClock, log, notify, stopping: stop.signal };
  const open = async () => await loadConfig(disk, PATH, () => undefined);
  return { hands, open, write, lines, heard, told: told.promise, stop };
}

test('waits for a missing configuration, reports this once, and uses it when it appears', async () => {
  const { hands, open, write, lines, heard, told } = await waiting();
  let looks = 0;
  const config = awaitConfiguration(async () => {
    looks += 1;
    return await open();
  }, hands);
  await told;
  // Any other file in the directory triggers a check, but no new report.
  await write('/etc/coe-agent/README', 'x');
  await write(PATH, 'collectors: [local]\n');
  expect(await config).toMatchObject({ collectors: ['local'], sources: [PATH] });
  expect(logged(lines, 'configuration-awaited')).toHaveLength(1);
  expect(heard).toHaveLength(1);
  expect(looks).toBeGreaterThan(1);
});

test('accepts os-collect-config.conf, and ends the wait on abort', async () => {
  const late = await waiting();
  const config = awaitConfiguration(late.open, late.hands);
  await late.told;
  await late.write('/etc/os-collect-config.conf', '[DEFAULT]\ncollectors = local\n');
  expect(await config).toMatchObject({ sources: ['/etc/os-collect-config.conf'] });

  const stopped = await waiting();
  const never = awaitConfiguration(stopped.open, stopped.hands).catch(codeOf);
  await stopped.told;
  stopped.stop.abort();
  expect(await never).toBe('aborted');
});

test('ends the wait with any other error than a missing configuration', async () => {
  const { hands } = await waiting();
  const failing = awaitConfiguration(async () => await Promise.reject(new AgentError('disk', 'x')), hands);
  expect(await failing.catch(codeOf)).toBe('disk');
});
