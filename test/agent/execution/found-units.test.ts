import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { findUnits, foundBefore, unitsToRestore } from '../../../agent/execution/found-units.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { processOf } from '../../../src/services/unit-process.ts';
import { DONE, unitPlan } from '../../fakes/generation.ts';
import { createHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { createCa } from '../../src/support/openssl.ts';
import { OLD, RUNNING, STOPPED } from '../../src/support/unit-states.ts';

const KUBELET = unitPlan('kubelet');
const OPTIONAL = unitPlan('kube-proxy', { required: false });

describe('findUnits', () => {
  test("ignores stopped or missing optional units, and records each unit's process", async () => {
    const { hands, units } = await createHands();
    units.states.set('kubelet', STOPPED).set('kube-proxy', STOPPED);
    const missing = unitPlan('flanneld', { required: false });
    const found = await findUnits([KUBELET, OPTIONAL, missing], hands, NEVER);
    expect(found.units).toEqual([KUBELET]);
    expect([...found.left.keys()]).toEqual(['kube-proxy', 'flanneld']);
    expect(found.all.map(({ plan, process }) => [plan.name, process?.active])).toEqual([
      ['kubelet', 'inactive'],
      ['kube-proxy', 'inactive'],
      ['flanneld', 'inactive'],
    ]);
  });
});

describe('foundBefore', () => {
  const found = [{ plan: KUBELET, process: processOf(RUNNING) }];

  test('keeps the processes if no generation is stuck', () => {
    expect(foundBefore(found, undefined)).toEqual(found);
  });

  test("takes the processes from before a stuck generation, with each unit's present plan", () => {
    const stuck = {
      units: [],
      outcome: DONE,
      found: [{ plan: { ...KUBELET, deadlineMs: 1 }, process: processOf(OLD) }],
    };
    expect(foundBefore(found, stuck)).toEqual([{ plan: KUBELET, process: processOf(OLD) }]);
  });

  test('adds the units that only the stuck generation names, with unknown processes', () => {
    const stuck = { units: [OPTIONAL], outcome: DONE };
    expect(foundBefore(found, stuck)).toEqual([...found, { plan: OPTIONAL }]);
  });
});

/** Returns whether the kubelet has to be restarted in this present state. */
const restored = async (
  now: typeof RUNNING | AgentError | Error,
  process: ReturnType<typeof processOf> | undefined = processOf(RUNNING),
): Promise<string[]> => {
  const { hands, units } = await createHands();
  if (!(now instanceof Error)) units.states.set('kubelet', now);
  const systemctl = {
    ...(await hands.systemctl()),
    show: async () => (now instanceof Error ? await Promise.reject(now) : await Promise.resolve(now)),
  };
  const kept = { units: [KUBELET], found: [{ plan: KUBELET, ...(process && { process }) }] };
  const left = await unitsToRestore(kept, {
    ...hands,
    systemctl: async () => await Promise.resolve(systemctl),
  });
  return left.map(({ name }) => name);
};

describe('unitsToRestore', () => {
  test('skips a unit that still runs its former process', async () => {
    expect(await restored(RUNNING)).toEqual([]);
  });

  test('includes a unit with another process', async () => {
    expect(await restored(OLD)).toEqual(['kubelet']);
  });

  test('includes a unit without a known state', async () => {
    expect(await restored(new AgentError('unit', 'systemctl timed out'))).toEqual(['kubelet']);
  });

  test('does not take an error in the program for an unknown state', async () => {
    await expect(restored(new TypeError('a bug'))).rejects.toThrow(TypeError);
  });

  test('includes a unit that was recorded without processes', async () => {
    const { hands } = await createHands({ units: ['kubelet'] });
    expect(await unitsToRestore({ units: [KUBELET], found: [] }, hands)).toEqual([KUBELET]);
  });
});

const certificate = async (): Promise<string> => (await createCa()).pem;

describe('unitsToRestore of a unit with a port', () => {
  const probe = { host: '127.0.0.1', port: 10_250, file: '/etc/k/server.crt' };
  const plan = unitPlan('kubelet', { probe });
  const kept = { units: [plan], found: [{ plan, process: processOf(RUNNING) }] };
  /** @param presents a PEM text; without it the port is silent */
  const namesToRestore = async (
    file: string | undefined,
    presents: string | undefined,
  ): Promise<string[]> => {
    const presented = async (): Promise<X509Certificate> => {
      await Promise.resolve();
      if (presents === undefined) throw new AgentError('not-yet', 'connection refused');
      return new X509Certificate(presents);
    };
    const { hands, write } = await createHands({ units: ['kubelet'], over: { presented } });
    if (file !== undefined) await write(probe.file, file);
    return (await unitsToRestore(kept, hands)).map(({ name }) => name);
  };

  test('skips a unit with the same process and the old certificate', async () => {
    const old = await certificate();
    expect(await namesToRestore(old, old)).toEqual([]);
  });

  test('includes a unit that has reread the new certificate', async () => {
    expect(await namesToRestore(await certificate(), await certificate())).toEqual(['kubelet']);
  });

  test('skips a unit with a silent port, which the new files did not open', async () => {
    expect(await namesToRestore(await certificate(), undefined)).toEqual([]);
  });

  test('includes a unit if the old certificate is unknown', async () => {
    expect(await namesToRestore(undefined, await certificate())).toEqual(['kubelet']);
  });
});
