import { advance, newAdvanceMemory } from '../../agent/advance.ts';
import { compose, type Instrument } from '../../agent/compose.ts';
import { CONFIG_PATH, loadConfig } from '../../agent/config.ts';
import { EVENTS } from '../../agent/events.ts';
import { readNode } from '../../agent/node.ts';
import { recover } from '../../agent/pass/recover.ts';
import { NEVER } from '../../src/base/clock.ts';
import { createDisk } from '../../src/base/real-disk.ts';
import { createLog } from '../../src/base/log.ts';
import { createSecrets } from '../../src/base/secrets.ts';

/** No rotation of one node takes more looks. */
const MOST_LOOKS = 8;

/**
 * Does the daemon's work between two passes with `rotation.phase: auto`: completes an interrupted run, and takes one
 * step, or looks until no step is left.
 *
 * @returns 0 on completion
 */
export async function advanceNode(
  root: string,
  until: 'one step' | 'the end',
  instrument: Instrument,
): Promise<{ code: number; said: string }> {
  const secrets = createSecrets();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const { close, ...hands } = await compose({
    config: await loadConfig(createDisk(root), CONFIG_PATH, () => undefined),
    root,
    env: {},
    log: createLog({ events: EVENTS, level: 'info', style: 'json', secrets, write }),
    secrets,
    progress: () => undefined,
    instrument,
  });
  try {
    await recover(hands, NEVER);
    const memory = newAdvanceMemory();
    const wanted = until === 'one step' ? 'stepped' : 'nothing';
    for (let look = 0; look < MOST_LOOKS; look += 1)
      if ((await advance(memory, await readNode(hands), hands, NEVER)).is === wanted)
        return { code: 0, said: lines.join('') };
    return { code: 3, said: lines.join('') };
  } finally {
    close();
  }
}
