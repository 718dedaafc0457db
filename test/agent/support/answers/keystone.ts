import { isObject } from '../../../cloud/exchange.ts';
import { garbled, htmlPage, rewriteJson, truncated } from '../../../cloud/spoil.ts';
import { PLAIN_503, QUICK_DRIP, RETRY_AFTER, type Row, SLOW_DRIP, spoilt, status } from './row.ts';

/** The trust login. */
export const KEYSTONE: readonly Row[] = [
  { answer: '201 with garbage', effect: spoilt(garbled), comes: /logging in .* not JSON/, requests: 1 },
  {
    answer: '200 with HTML',
    effect: spoilt(htmlPage()),
    comes: /answer \(200\) is not a Keystone token/,
    requests: 1,
  },
  { answer: '201 with HTML', effect: spoilt(htmlPage(201)), comes: /not JSON/, requests: 1 },
  { answer: '201 with half a body', effect: spoilt(truncated), comes: /not JSON/, requests: 1 },
  {
    answer: '201 with an empty object',
    effect: spoilt(rewriteJson(() => ({}))),
    comes: /not a Keystone token/,
    requests: 1,
  },
  { answer: '201 cut in the middle, once', effect: { kind: 'cut' }, times: 1, comes: 'success', requests: 2 },
  {
    answer: '201 without a token',
    effect: spoilt((answer) => ({ ...answer, headers: {} })),
    comes: /not a Keystone token/,
    requests: 1,
  },
  {
    answer: '201 without a catalogue, which a trust login does not need',
    effect: spoilt(
      rewriteJson(({ token }) => ({ token: { ...(isObject(token) ? token : {}), catalog: undefined } })),
    ),
    comes: 'success',
    requests: 1,
  },
  {
    answer: '201 later than the deadline, once',
    effect: { kind: 'delay', ms: 600 },
    times: 1,
    deadline: 0.3,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'no answer at all',
    effect: { kind: 'hang' },
    deadline: 0.2,
    comes: /no answer within 0.2 s/,
    requests: 4,
  },
  { answer: '401', effect: status(401), comes: /Keystone said 401 words of 401/, requests: 1 },
  { answer: '403', effect: status(403), comes: /Keystone said 403 words of 403/, requests: 1 },
  { answer: '404', effect: status(404), comes: /Keystone said 404/, requests: 1 },
  { answer: '409', effect: status(409), comes: /409 words of 409/, requests: 1 },
  { answer: '408 once, as from a proxy', effect: status(408), times: 1, comes: 'success', requests: 2 },
  { answer: '408 always', effect: status(408), comes: /408 words of 408/, requests: 4 },
  {
    answer: '429 with Retry-After, once',
    effect: RETRY_AFTER,
    times: 1,
    patience: 30,
    comes: 'success',
    requests: 2,
    waits: 7,
  },
  {
    answer: '429 with a Retry-After beyond our patience',
    effect: RETRY_AFTER,
    comes: /429 slow down/,
    requests: 1,
  },
  { answer: '500 once', effect: status(500), times: 1, comes: 'success', requests: 2 },
  { answer: '500 always', effect: status(500), comes: /500 words of 500/, requests: 4 },
  { answer: '503 text/plain, three times', effect: PLAIN_503, times: 3, comes: 'success', requests: 4 },
  { answer: '503 text/plain always', effect: PLAIN_503, comes: /503 .*currently unavailable/, requests: 4 },
  { answer: 'a slow drip', effect: SLOW_DRIP, deadline: 0.3, comes: /no answer within 0.3 s/, requests: 4 },
  { answer: 'a quick drip', effect: QUICK_DRIP, comes: 'success', requests: 1 },
  {
    answer: 'a connection cut after the work, once',
    effect: { kind: 'reset', when: 'after' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'connection reset once',
    effect: { kind: 'reset', when: 'before' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'connection reset always',
    effect: { kind: 'reset', when: 'before' },
    comes: /logging in .*: (the connection was reset|other side closed)/,
    requests: 4,
  },
];
