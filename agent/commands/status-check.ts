import { explain } from '../../src/base/errors.ts';
import { formatCheck } from '../inspection/health.ts';
import { healthFactsOf } from './health-facts.ts';
import { openHands, type Context } from './verb.ts';

/** The exit code of a Nagios plugin that could not check. */
const UNKNOWN = 3;

/** Runs `agent status --check`: writes one line for a monitoring system. */
export async function checkStatus(context: Context): Promise<0 | 1 | 2 | 3> {
  const { world, secrets } = context;
  const say = (line: string): void => {
    world.stdout.write(`${secrets.redact(line)}\n`);
  };
  try {
    const hands = await openHands(context, () => undefined);
    try {
      const { line, code } = formatCheck(await healthFactsOf(context, hands));
      say(line);
      return code;
    } finally {
      hands.close();
    }
  } catch (error) {
    say(`COE-AGENT UNKNOWN - ${explain(error).replaceAll(/[\n|]/g, ' ')}`);
    return UNKNOWN;
  }
}
