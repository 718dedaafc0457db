import type { ErrorCode } from '../../../../src/base/errors.ts';
import type { Answer } from '../../../cloud/exchange.ts';
import type { Effect } from '../../../cloud/faults.ts';
import type { Site } from '../site.ts';

/**
 * One answer of one service and its result.
 *
 * - `success`: Heat receives success, and everything on disk is new
 * - a fault: Heat receives a failure, the outcome has this error, and everything on disk is old
 * - `nothing`: the request is unknown; the next pass runs it once the service works
 * - `unacknowledged`: done, but Heat has not accepted the result; the next pass sends it again once Heat works
 */
export type Row = {
  answer: string;
  /** What the service does; a function if a certificate has to be forged for the site. */
  effect: Effect | ((site: Site) => Effect);
  /** The number of affected requests; all by default. */
  times?: number;
  comes: 'success' | 'nothing' | 'unacknowledged' | Fault;
  /** The number of requests to the service in this pass. */
  requests: number;
  /** A wait that must be among those of the pass, in seconds. */
  waits?: number;
  /** `cloud.deadline_seconds` and `cloud.patience_seconds` instead of 5 and 2. */
  deadline?: number;
  patience?: number;
};

type Fault = { code: ErrorCode; reason: string };
export const fault = (code: ErrorCode, reason: string): Fault => ({ code, reason });
export const NOT_JSON = fault('bad-answer', 'not-json');

export type Place =
  | 'keystone'
  | 'magnum-ca'
  | 'magnum-sign'
  | 'heat-metadata'
  | 'heat-resource'
  | 'heat-address';

export const status = (code: number, body = `{"error":{"message":"words of ${code}"}}`): Effect => ({
  kind: 'answer',
  status: code,
  body,
});

export const RETRY_AFTER: Effect = {
  kind: 'answer',
  status: 429,
  headers: { 'Retry-After': '7' },
  body: 'slow down',
};

export const PLAIN_503: Effect = {
  kind: 'answer',
  status: 503,
  headers: { 'Content-Type': 'text/plain' },
  body: '503 Service Unavailable\n\nThe server is currently unavailable.',
};

/** As from a load balancer under maintenance; nothing listens at the target. */
export const MOVED: Extract<Effect, { kind: 'answer' }> = {
  kind: 'answer',
  status: 301,
  headers: { Location: 'http://127.0.0.1:1/' },
  body: 'moved',
};

/** Twice the accepted size. */
export const LARGE_HEADER: Effect = {
  kind: 'answer',
  status: 201,
  headers: { 'X-Subject-Token': 'x'.repeat(200_000) },
};

export const spoilt = (change: (answer: Answer) => Answer): Effect => ({ kind: 'transform', change });

/** Slower than any deadline, but each byte arrives in time. */
export const SLOW_DRIP: Effect = { kind: 'drip', bytes: 1, ms: 150 };
export const QUICK_DRIP: Effect = { kind: 'drip', bytes: 500, ms: 5 };
