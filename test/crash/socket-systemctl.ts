import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import { stateOf, type Systemctl } from '../../src/services/systemctl.ts';
import { settingsOf } from '../../src/services/unit-settings.ts';

/**
 * Connects to the stand-in units of a test node directly, without the stand-in program, which saves about twenty
 * processes per rotation.
 */
export function socketSystemctl(socketPath: string): Systemctl {
  const ask = async (verb: string, unit: string): Promise<string> => {
    const answer = await askUnits(socketPath, verb, unit);
    if (answer.code !== 0)
      throw new AgentError('unit', `systemctl ${verb} ${unit}: ${answer.err?.trim() ?? ''}`);
    return answer.out ?? '';
  };
  return {
    show: async (unit) => stateOf(await ask('show', unit)),
    settings: async (unit) => settingsOf(await ask('show', unit)),
    resetFailed: async (unit) => {
      await ask('reset-failed', unit);
    },
    restart: async (unit) => {
      await ask('restart', unit);
    },
    stop: async (unit) => {
      await ask('stop', unit);
    },
    isGoingDown: async () => (await ask('show', '')).includes('SystemState=stopping'),
  };
}

const UnitsAnswer = v.object({ code: v.number(), out: v.optional(v.string()), err: v.optional(v.string()) });
type UnitsAnswer = v.InferOutput<typeof UnitsAnswer>;

/** Sends one command to the stand-in units of a node. */
export async function askUnits(socketPath: string, verb: string, unit: string): Promise<UnitsAnswer> {
  const path = `/?${new URLSearchParams({ verb, unit }).toString()}`;
  const answer = await new Promise<string>((resolve, reject) => {
    request({ socketPath, path, agent: false }, (response) => {
      text(response).then(resolve, reject);
    })
      .once('error', reject)
      .end();
  });
  return v.parse(UnitsAnswer, JSON.parse(answer));
}
