import { garbled, htmlPage, rewriteJson, truncated } from '../../../cloud/spoil.ts';
import { lasting, PASSING } from './any.ts';
import { MOVED, PLAIN_503, QUICK_DRIP, RETRY_AFTER, type Row, SLOW_DRIP, spoilt, status } from './row.ts';

/** One pass asks once, because the next pass asks again; before sending a result it asks once more. */
export const HEAT_METADATA: readonly Row[] = [
  ...lasting(() => 'nothing', 1),
  { answer: 'garbage', effect: spoilt(garbled), comes: 'nothing', requests: 1 },
  { answer: 'HTML', effect: spoilt(htmlPage()), comes: 'nothing', requests: 1 },
  { answer: 'half a body', effect: spoilt(truncated), comes: 'nothing', requests: 1 },
  { answer: 'a body cut in the middle', effect: { kind: 'cut' }, comes: 'nothing', requests: 1 },
  { answer: 'an empty object', effect: spoilt(rewriteJson(() => ({}))), comes: 'nothing', requests: 1 },
  {
    answer: 'no list of deployments',
    effect: spoilt(rewriteJson(() => ({ metadata: { deployments: 'x' } }))),
    comes: 'nothing',
    requests: 1,
  },
  { answer: 'nothing at all', effect: { kind: 'hang' }, deadline: 0.2, comes: 'nothing', requests: 1 },
  {
    answer: 'later than the deadline',
    effect: { kind: 'delay', ms: 600 },
    deadline: 0.3,
    comes: 'nothing',
    requests: 1,
  },
  { answer: '401 once', effect: status(401), times: 1, comes: 'success', requests: 3 },
  { answer: '401 always', effect: status(401), comes: 'nothing', requests: 2 },
  { answer: '403', effect: status(403), comes: 'nothing', requests: 1 },
  { answer: '404', effect: status(404), comes: 'nothing', requests: 1 },
  { answer: '409', effect: status(409), comes: 'nothing', requests: 1 },
  { answer: '429 with Retry-After', effect: RETRY_AFTER, comes: 'nothing', requests: 1 },
  { answer: '204', effect: status(204, ''), comes: 'nothing', requests: 1 },
  { answer: '302 to another origin', effect: { ...MOVED, status: 302 }, comes: 'nothing', requests: 1 },
  { answer: 'a slow drip', effect: SLOW_DRIP, deadline: 0.3, comes: 'nothing', requests: 1 },
  { answer: 'a quick drip', effect: QUICK_DRIP, comes: 'success', requests: 2 },
  {
    answer: 'a connection cut after the work',
    effect: { kind: 'reset', when: 'after' },
    comes: 'nothing',
    requests: 1,
  },
];

/** Both ways to signal: any 2xx acknowledges. Twenty seconds allow eleven tries. */
const EITHER: readonly Row[] = [
  ...PASSING,
  ...lasting(() => 'unacknowledged', 11),
  { answer: '2xx with garbage', effect: spoilt(garbled), comes: 'success', requests: 1 },
  { answer: '200 with HTML', effect: spoilt(htmlPage()), comes: 'success', requests: 1 },
  {
    answer: '200 without a body',
    effect: spoilt((answer) => ({ ...answer, body: '' })),
    comes: 'success',
    requests: 1,
  },
  {
    answer: 'nothing at all, the work done',
    effect: { kind: 'hang' },
    times: 1,
    deadline: 0.2,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'a connection cut after the work, always',
    effect: { kind: 'reset', when: 'after' },
    comes: 'unacknowledged',
    requests: 11,
  },
  { answer: '403', effect: status(403), comes: 'unacknowledged', requests: 1 },
  { answer: '404', effect: status(404), comes: 'unacknowledged', requests: 1 },
  { answer: '409', effect: status(409), comes: 'unacknowledged', requests: 1 },
  { answer: '429 always', effect: RETRY_AFTER, comes: 'unacknowledged', requests: 3, waits: 7 },
  { answer: '503 text/plain, four times', effect: PLAIN_503, times: 4, comes: 'success', requests: 5 },
  {
    answer: '302 to somewhere, once',
    effect: { ...MOVED, status: 302 },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  { answer: '302 to somewhere', effect: { ...MOVED, status: 302 }, comes: 'unacknowledged', requests: 11 },
];

export const HEAT_RESOURCE: readonly Row[] = [
  ...EITHER,
  { answer: '401 once', effect: status(401), times: 1, comes: 'success', requests: 2 },
  { answer: '401 always', effect: status(401), comes: 'unacknowledged', requests: 2 },
  { answer: 'a slow drip', effect: SLOW_DRIP, times: 2, deadline: 0.3, comes: 'success', requests: 3 },
];

/** A pre-signed address has no login. */
export const HEAT_ADDRESS: readonly Row[] = [
  ...EITHER,
  { answer: '401', effect: status(401), comes: 'unacknowledged', requests: 1 },
];
