import { htmlPage } from '../../../cloud/spoil.ts';
import {
  fault,
  LARGE_HEADER,
  MOVED,
  PLAIN_503,
  QUICK_DRIP,
  RETRY_AFTER,
  type Row,
  SLOW_DRIP,
  spoilt,
  status,
} from './row.ts';

/** Faults of a single request: every service is asked again. */
export const PASSING: readonly Row[] = [
  {
    answer: 'later than the deadline, once',
    effect: { kind: 'delay', ms: 2500 },
    times: 1,
    deadline: 1.5,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'a connection cut after the work, once',
    effect: { kind: 'reset', when: 'after' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: '307 to another origin, once',
    effect: { ...MOVED, status: 307 },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  { answer: '408 once, as from a proxy', effect: status(408), times: 1, comes: 'success', requests: 2 },
  {
    answer: '429 with Retry-After, once',
    effect: RETRY_AFTER,
    times: 1,
    patience: 30,
    comes: 'success',
    requests: 2,
    waits: 7,
  },
  { answer: '500 once', effect: status(500), times: 1, comes: 'success', requests: 2 },
];

/**
 * Permanent faults.
 *
 * @param to the result of an error
 * @param requests the number of requests until then
 */
export const lasting = (to: (error: ReturnType<typeof fault>) => Row['comes'], requests: number): Row[] =>
  [
    {
      answer: '307 to another origin, always',
      effect: { ...MOVED, status: 307 },
      comes: fault('bad-answer', 'other-origin'),
    },
    { answer: '408 always', effect: status(408), comes: fault('cloud-unreachable', 'http-408') },
    { answer: '500 always', effect: status(500), comes: fault('cloud-unreachable', 'http-500') },
    { answer: '503 text/plain always', effect: PLAIN_503, comes: fault('cloud-unreachable', 'http-503') },
    {
      answer: 'connection reset always',
      effect: { kind: 'reset', when: 'before' } as const,
      comes: fault('cloud-unreachable', 'connection-reset'),
    },
  ].map(({ comes, ...row }) => ({ ...row, comes: to(comes), requests }));

/** Answers that a rotation needs, a token and certificates: tried four times within its patience. */
export const NEEDED: readonly Row[] = [
  ...PASSING,
  ...lasting((error) => error, 4),
  { answer: 'HTML once', effect: spoilt(htmlPage()), times: 1, comes: 'success', requests: 2 },
  { answer: '204 once', effect: status(204, ''), times: 1, comes: 'success', requests: 2 },
  {
    answer: 'a header of 200 KB',
    effect: LARGE_HEADER,
    comes: fault('too-large', 'headers-too-large'),
    requests: 1,
  },
  {
    answer: 'a body cut in the middle, once',
    effect: { kind: 'cut' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'no answer at all',
    effect: { kind: 'hang' },
    deadline: 0.2,
    comes: fault('cloud-unreachable', 'no-answer'),
    requests: 4,
  },
  { answer: '409', effect: status(409), comes: fault('cloud-refused', 'http-409'), requests: 1 },
  { answer: '503 text/plain, three times', effect: PLAIN_503, times: 3, comes: 'success', requests: 4 },
  {
    answer: 'a slow drip',
    effect: SLOW_DRIP,
    deadline: 0.3,
    comes: fault('cloud-unreachable', 'no-answer'),
    requests: 4,
  },
  { answer: 'a quick drip', effect: QUICK_DRIP, comes: 'success', requests: 1 },
  {
    answer: 'connection reset once',
    effect: { kind: 'reset', when: 'before' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
];
