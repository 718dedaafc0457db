import { isObject } from '../../../cloud/exchange.ts';
import { garbled, htmlPage, rewriteJson, truncated } from '../../../cloud/spoil.ts';
import { NEEDED } from './any.ts';
import { fault, MOVED, NOT_JSON, RETRY_AFTER, type Row, spoilt, status } from './row.ts';

const NO_TOKEN = fault('bad-answer', 'not-a-token');

/** The trust login. */
export const KEYSTONE: readonly Row[] = [
  ...NEEDED,
  { answer: '201 with garbage', effect: spoilt(garbled), comes: NOT_JSON, requests: 4 },
  { answer: '200 with HTML', effect: spoilt(htmlPage()), comes: NO_TOKEN, requests: 4 },
  { answer: '201 with HTML', effect: spoilt(htmlPage(201)), comes: NOT_JSON, requests: 4 },
  { answer: '201 with half a body', effect: spoilt(truncated), comes: NOT_JSON, requests: 4 },
  {
    answer: '201 with an empty object',
    effect: spoilt(rewriteJson(() => ({}))),
    comes: NO_TOKEN,
    requests: 4,
  },
  { answer: '301 once, as from a load balancer', effect: MOVED, times: 1, comes: 'success', requests: 2 },
  { answer: '301 always', effect: MOVED, comes: fault('bad-answer', 'http-301'), requests: 4 },
  {
    answer: '201 without a token',
    effect: spoilt((answer) => ({ ...answer, headers: {} })),
    comes: NO_TOKEN,
    requests: 4,
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
    answer: '401 once, a refusal like any other',
    effect: status(401),
    times: 1,
    comes: fault('login-refused', 'http-401'),
    requests: 1,
  },
  ...[401, 403, 404].map((code) => ({
    answer: `${code}`,
    effect: status(code),
    comes: fault('login-refused', `http-${code}`),
    requests: 1,
  })),
  {
    answer: '429 with a Retry-After beyond our patience',
    effect: RETRY_AFTER,
    comes: fault('cloud-unreachable', 'http-429'),
    requests: 1,
  },
];
