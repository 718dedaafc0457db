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
  test('leaves optional units alone that are stopped or missing, and notes the process of each', async () => {
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

  test('keeps the processes when no generation is stuck', () => {
    expect(foundBefore(found, undefined)).toEqual(found);
  });

  test('takes the processes from before a stuck generation, with the present plan of each unit', () => {
    const stuck = {
      units: [],
      outcome: DONE,
      found: [{ plan: { ...KUBELET, deadlineMs: 1 }, process: processOf(OLD) }],
    };
    expect(foundBefore(found, stuck)).toEqual([{ plan: KUBELET, process: processOf(OLD) }]);
  });

  test('adds the units that only the stuck generation names; which process they had is unknown', () => {
    const stuck = { units: [OPTIONAL], outcome: DONE };
    expect(foundBefore(found, stuck)).toEqual([...found, { plan: OPTIONAL }]);
  });
});

/** The kubelet, if it has to be restarted when systemd says this of it now. */
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
  test('a unit that still runs the process of before is not restarted', async () => {
    expect(await restored(RUNNING)).toEqual([]);
  });

  test('a unit with another process is restarted', async () => {
    expect(await restored(OLD)).toEqual(['kubelet']);
  });

  test('a unit that systemd says nothing about is restarted', async () => {
    expect(await restored(new AgentError('unit', 'systemctl timed out'))).toEqual(['kubelet']);
  });

  test('an error of the program itself is not taken for an unknown state', async () => {
    await expect(restored(new TypeError('a bug'))).rejects.toThrow(TypeError);
  });

  test('a unit of a record without processes is restarted', async () => {
    const { hands } = await createHands({ units: ['kubelet'] });
    expect(await unitsToRestore({ units: [KUBELET], found: [] }, hands)).toEqual([KUBELET]);
  });
});

const certificate = async (): Promise<string> => (await createCa()).pem;

describe('unitsToRestore of a unit with a port', () => {
  const probe = { host: '127.0.0.1', port: 10_250, file: '/etc/k/server.crt' };
  const plan = unitPlan('kubelet', { probe });
  const kept = { units: [plan], found: [{ plan, process: processOf(RUNNING) }] };
  /** @param presents a PEM text, or nothing: the port is silent */
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

  test('the same process with the old certificate is not restarted', async () => {
    const old = await certificate();
    expect(await namesToRestore(old, old)).toEqual([]);
  });

  test('a unit that has read the new certificate by itself is restarted', async () => {
    expect(await namesToRestore(await certificate(), await certificate())).toEqual(['kubelet']);
  });

  test('a silent port was not opened by the new files', async () => {
    expect(await namesToRestore(await certificate(), undefined)).toEqual([]);
  });

  test('without the old certificate the unit is restarted', async () => {
    expect(await namesToRestore(undefined, await certificate())).toEqual(['kubelet']);
  });
});
