import { EVENTS } from '../../../agent/events.ts';
import { compose } from '../../../agent/compose.ts';
import { CONFIG_PATH, loadConfig } from '../../../agent/config.ts';
import type { Hands } from '../../../agent/hands.ts';
import { STATE } from '../../../agent/paths.ts';
import type { Progress } from '../../../agent/progress.ts';
import { createLog } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { onTestFinished } from 'vitest';
import { settingsOf, type UnitSettings } from '../../../src/services/unit-settings.ts';
import { type TestClock, testClock } from '../../src/support/clock.ts';
import { type TempRoot, tempRoot } from '../../src/support/temp-root.ts';

/** The hands of a node in a temporary folder, with a record of their reports. */
export type TestHands = TempRoot & { hands: Hands; clock: TestClock; log: string[]; progress: Progress[] };

const HOUR_MS = 3_600_000;

/** No unit settings: units are as their layout describes them. */
const unitSettings = async (): Promise<UnitSettings> => await Promise.resolve(settingsOf(''));

/** @param over hands that replace real ones, such as the network's */
export async function testHands(over: Partial<Hands> = {}): Promise<TestHands> {
  const temp = await tempRoot();
  // The test's certificates are made meanwhile, and must be valid.
  const clock = testClock(Date.now() + HOUR_MS);
  const log: string[] = [];
  const progress: Progress[] = [];
  const secrets = createSecrets();
  const write = (line: string): void => {
    log.push(line);
  };
  await temp.write(CONFIG_PATH, 'collectors: [local]\nkeys: ec-p256\n');
  await temp.disk.makeDirectory(STATE, { mode: 0o700 });
  const { close, ...hands } = await compose({
    config: await loadConfig(temp.disk, CONFIG_PATH, () => undefined),
    root: temp.root,
    env: {},
    log: createLog({ events: EVENTS, level: 'debug', style: 'json', secrets, write }),
    secrets,
    progress: (event) => progress.push(event),
    instrument: { clock: () => clock },
  });
  onTestFinished(close);
  return { ...temp, hands: { ...hands, unitSettings, ...over }, clock, log, progress };
}
