import { expect, test } from 'vitest';
import { createRetry } from '../../../src/base/retry.ts';
import { createNodeEvents, type NodeEvent } from '../../../src/services/node-events.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../support/clock.ts';

const EVENT: NodeEvent = {
  reason: 'CertificatesRenewed',
  type: 'Normal',
  message: 'a',
  at: 1_700_000_000_123,
};

function setUp() {
  const api = createKubernetes();
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  // A kubelet's certificate may create and patch events.
  const ask = api.askAs('system:nodes', 'system:node:w0');
  const events = createNodeEvents(ask, retry, { baseMs: 1, capMs: 1, forMs: 1 });
  return { api, events, stored: (name: string) => api.core.find('events', 'default', name) };
}

test('makes an event as kubelets do, so that `kubectl describe node` shows it', async () => {
  const { events, stored } = setUp();
  const name = await events.make('w0', EVENT, NEVER);
  expect(name).toMatch(/^w0\../);
  expect(stored(name)).toMatchObject({
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { kind: 'Node', name: 'w0', uid: 'w0' },
    reason: 'CertificatesRenewed',
    type: 'Normal',
    message: 'a',
    source: { component: 'coe-agent', host: 'w0' },
    // metav1.Time has whole seconds.
    firstTimestamp: '2023-11-14T22:13:20Z',
    lastTimestamp: '2023-11-14T22:13:20Z',
    count: 1,
  });
});

test.each([
  [1024, 1024],
  [1025, 1024],
  [5000, 1024],
])('sends %i characters of a message as %i', async (length, sent) => {
  const { events, stored } = setUp();
  const name = await events.make('w0', { ...EVENT, message: 'x'.repeat(length) }, NEVER);
  expect(String(stored(name)?.['message'])).toHaveLength(sent);
});

test('counts the same event again, and says that an event has expired', async () => {
  const { events, stored } = setUp();
  const name = await events.make('w0', EVENT, NEVER);
  expect(await events.repeat(name, 2, EVENT.at + 1000, NEVER)).toBe(true);
  expect(stored(name)).toMatchObject({
    count: 2,
    firstTimestamp: '2023-11-14T22:13:20Z',
    lastTimestamp: '2023-11-14T22:13:21Z',
    reason: 'CertificatesRenewed',
  });
  expect(await events.repeat('w0.gone', 2, EVENT.at, NEVER)).toBe(false);
});
