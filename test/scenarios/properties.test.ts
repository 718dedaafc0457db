import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import type { Misbehaviour } from '../fakes/units.ts';
import { certificateAt, embeddedIn, type Files, isSignedBy, keyFits } from './support/certificates.ts';
import { createSite, type Site } from './support/site.ts';

const cloud = await cloudForFile();

/** Events on a node, in sequence. */
type Operation =
  | { do: 'rotate' }
  /** Lists the same deployment again. */
  | { do: 'look again' }
  /** Lists the former inputs with a new id. */
  | { do: 'roll back' }
  | { do: 'break'; how: Misbehaviour }
  | { do: 'mend' }
  | { do: 'Heat deaf' }
  | { do: 'Magnum down' }
  | { do: 'well' };

const breaks: readonly Misbehaviour[] = [
  'fails to start',
  'keeps the old certificate',
  'is not well',
  'is masked',
];

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 7, arbitrary: fc.constant<Operation>({ do: 'rotate' }) },
  { weight: 2, arbitrary: fc.constant<Operation>({ do: 'look again' }) },
  { weight: 4, arbitrary: fc.constant<Operation>({ do: 'roll back' }) },
  { weight: 2, arbitrary: fc.constantFrom(...breaks).map((how): Operation => ({ do: 'break', how })) },
  { weight: 3, arbitrary: fc.constant<Operation>({ do: 'mend' }) },
  { weight: 1, arbitrary: fc.constant<Operation>({ do: 'Heat deaf' }) },
  { weight: 1, arbitrary: fc.constant<Operation>({ do: 'Magnum down' }) },
  { weight: 2, arbitrary: fc.constant<Operation>({ do: 'well' }) },
);

const KEY = '/etc/kubernetes/pki/server.key';
const RESOURCE = 'rotation';

/** The expected set of the node, and the inputs that it was made for, after each operation. */
type Model = { broken: boolean; down: boolean; deaf: boolean; asked: string[]; clock: number; count: number };

/** Requests a rotation; each call is a second later than the one before on Heat's clock. */
function ask(site: Site, model: Model, reason: string): void {
  model.clock += 1000;
  model.asked.push(reason);
  cloud.deploy(site.cluster, site.server, {
    resource: RESOURCE,
    group: 'coe-rotate',
    inputs: [{ name: 'reason' }],
    values: { reason },
    created: model.clock,
  });
}

/** Whether the next pass must end with new certificates; undefined: nothing is requested. */
function arrange(site: Site, model: Model, wanted: Operation): 'new' | 'old' {
  switch (wanted.do) {
    case 'rotate':
      model.count += 1;
      ask(site, model, `reason ${model.count}`);
      return model.broken || model.down ? 'old' : 'new';
    case 'roll back': {
      const previous = model.asked.findLast((reason) => reason !== model.asked.at(-1));
      if (previous !== undefined) ask(site, model, previous);
      return 'old';
    }
    case 'break':
      site.node.units.breakUnit('kubelet', wanted.how);
      model.broken = true;
      return 'old';
    case 'mend':
      site.node.units.mend('kubelet');
      model.broken = false;
      return 'old';
    case 'Heat deaf':
      cloud.fault({ service: 'heat', method: 'POST', effect: { kind: 'answer', status: 404 } });
      model.deaf = true;
      return 'old';
    case 'Magnum down':
      cloud.fault({ service: 'magnum', effect: { kind: 'answer', status: 403 } });
      model.down = true;
      return 'old';
    case 'well':
      cloud.clearFaults();
      model.down = false;
      model.deaf = false;
      return 'old';
    case 'look again':
      return 'old';
  }
}

/** Expects a complete set: matching keys, signed by the cluster's CA, and kubeconfigs with the same content. */
function expectWhole(files: Files, ca: string): void {
  expect(keyFits(files, '/etc/kubernetes/pki/server')).toBe(true);
  expect(isSignedBy(certificateAt(files, '/etc/kubernetes/pki/server.crt'), ca)).toBe(true);
  const { certificate, key } = embeddedIn(files.get('/etc/kubernetes/kubelet.conf')?.content ?? '');
  expect(certificate).toBe(files.get('/etc/kubernetes/pki/server.crt')?.content);
  expect(key).toBe(files.get(KEY)?.content);
}

async function play(operations: readonly Operation[]): Promise<void> {
  const site = await createSite(cloud, { layout: 'kubernetes-pki', config: QUICK });
  const model: Model = {
    broken: false,
    down: false,
    deaf: false,
    asked: [],
    clock: Date.now() - 3_600_000,
    count: 0,
  };
  try {
    for (const wanted of operations) {
      const before = await site.files('/etc/kubernetes');
      const set = arrange(site, model, wanted);
      await site.pass();
      const after = await site.files('/etc/kubernetes');
      if (set === 'new') expect(after.get(KEY)?.content).not.toBe(before.get(KEY)?.content);
      else expect(after).toEqual(before);
      expectWhole(after, site.cluster.ca.kubernetes);
    }
    // At the end all faults are repaired, and every awaited answer arrives.
    arrange(site, model, { do: 'well' });
    arrange(site, model, { do: 'mend' });
    const last = await site.files('/etc/kubernetes');
    await site.pass();
    expect(await site.files('/etc/kubernetes')).toEqual(last);
    for (const { state } of await site.ledger()) expect(['signalled', 'superseded']).toContain(state);
    const accepted = site.signals().filter((signal) => signal.accepted);
    expect(new Set(accepted.map(({ deploymentId }) => deploymentId)).size).toBe(accepted.length);
    const newest = site.cluster.stack.resources.get(RESOURCE)?.current;
    expect(newest?.status).not.toBe('IN_PROGRESS');
  } finally {
    cloud.clearFaults();
    await site.node.close();
  }
}

const QUICK = { cloud: { patience_seconds: 1 } };

test('ends in the state of the last successful operation after any operations, with one answer each', async () => {
  await fc.assert(fc.asyncProperty(fc.array(operation, { minLength: 4, maxLength: 10 }), play), {
    numRuns: 25,
    interruptAfterTimeLimit: 40_000,
  });
});
