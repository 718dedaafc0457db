import { expect, test } from 'vitest';
import { AttemptFailed, failureOf, failureOfKubectl, failureOfStatus } from '../../scripts/load.d/outcome.ts';
import { report } from '../../scripts/load.d/report.ts';
import { createTally } from '../../scripts/load.d/tally.ts';

const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
const alert = Object.assign(new Error('tlsv1 alert unknown ca'), { code: 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA' });

test.each([
  [reset, 'reset'],
  [Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'refused'],
  [alert, 'client certificate'],
  [new AttemptFailed('server certificate', 'signed by another CA'), 'server certificate'],
  [new Error('anything'), 'other'],
])('reports why a plain client failed: %s', (error, why) => {
  expect(failureOf(error).why).toBe(why);
});

// As kubectl 1.20 prints them.
test.each([
  [
    'The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?',
    'refused',
  ],
  [
    'Unable to connect to the server: x509: certificate signed by unknown authority (possibly because of "crypto/rsa: verification error" while trying to verify candidate authority certificate "k1")',
    'server certificate',
  ],
  ['error: You must be logged in to the server (Unauthorized)', '401'],
  ['Unable to connect to the server: remote error: tls: bad certificate', 'client certificate'],
  ['Unable to connect to the server: net/http: TLS handshake timeout', 'time-out'],
  ['Error from server: etcdserver: leader changed', '5xx'],
  ['Unable to connect to the server: EOF', 'reset'],
])('reports why kubectl failed: %s', (text, why) => {
  expect(failureOfKubectl(text).why).toBe(why);
});

test.each([
  [200, undefined],
  [401, '401'],
  [404, '4xx'],
  [503, '5xx'],
])('explains the status %s', (status, why) => {
  expect(failureOfStatus(status, '')?.why).toBe(why);
});

test('distinguishes failures of the machine from failures of the cluster', () => {
  let now = 0;
  const tally = createTally(() => now);
  const subject = { client: 'plain', does: 'read', at: 'master-0', as: 'old' };
  tally.count(subject, undefined, 0);
  tally.count(subject, { why: 'reset', detail: '' }, 1000);
  now = 4000;
  tally.count(subject, { why: 'machine', detail: '' }, 2000);
  tally.skip(subject, 2);
  now = 5000;
  tally.count(subject, undefined, 4500);
  tally.mark('retired', ['new']);
  tally.count(subject, undefined, 5000);
  expect(tally.rows()).toMatchObject([
    {
      mark: 'start',
      expected: true,
      attempts: 4,
      failed: { reset: 1, machine: 1 },
      skipped: 2,
      longestOutageMs: 4000,
    },
    { mark: 'retired', expected: false, attempts: 1, failed: {} },
  ]);
  const text = report({
    began: '2026-01-01T00:00:00.000Z',
    seconds: 5,
    marks: tally.marks,
    rows: tally.rows(),
    streams: [],
    recorded: { changes: [], seconds: {}, looks: { count: 0, longestMs: 0 } },
    machine: { total: 5, slow: 1, longestMs: 3000 },
  });
  const cells = text.map((line) => line.split(/ {2,}/));
  // Since, at, attempts to be accepted, failed, could not be made, attempts not to be accepted, accepted nevertheless.
  expect(cells).toContainEqual(['start', '00:00:00', '4', '1', '3', '0', '0']);
  expect(cells).toContainEqual(['retired', '00:00:05', '0', '0', '0', '1', '1']);
});
