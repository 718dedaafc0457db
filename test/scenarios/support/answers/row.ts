import type { ErrorCode } from '../../../../src/base/errors.ts';
import type { Answer } from '../../../cloud/exchange.ts';
import type { Effect } from '../../../cloud/faults.ts';
import type { Site } from '../site.ts';

/**
 * One answer of one service and what comes of it.
 *
 * - `success`: Heat is told success, and everything on disk is new
 * - a fault: Heat is told failure, the outcome has this error, and everything on disk is old
 * - `nothing`: nobody could say what is wanted; once the service is well, the next pass does it
 * - `unacknowledged`: done, but Heat has not taken the result; once it is well, the next pass sends it again
 */
export type Row = {
  answer: string;
  /** What the service does; with the site at hand where a certificate has to be forged. */
  effect: Effect | ((site: Site) => Effect);
  /** How many requests it strikes; all of them when it is left out. */
  times?: number;
  comes: 'success' | 'nothing' | 'unacknowledged' | Fault;
  /** How many requests the service gets in this pass. */
  requests: number;
  /** A wait that must be among those of the pass, in seconds. */
  waits?: number;
  /** `cloud.deadline_seconds` and `cloud.patience_seconds` in place of 5 and 2. */
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

/** As of a load balancer under maintenance; nobody listens there. */
export const MOVED: Extract<Effect, { kind: 'answer' }> = {
  kind: 'answer',
  status: 301,
  headers: { Location: 'http://127.0.0.1:1/' },
  body: 'moved',
};

/** Twice of what is accepted. */
export const LARGE_HEADER: Effect = {
  kind: 'answer',
  status: 201,
  headers: { 'X-Subject-Token': 'x'.repeat(200_000) },
};

export const spoilt = (change: (answer: Answer) => Answer): Effect => ({ kind: 'transform', change });

/** Slower than any deadline, and quick enough. */
export const SLOW_DRIP: Effect = { kind: 'drip', bytes: 1, ms: 150 };
export const QUICK_DRIP: Effect = { kind: 'drip', bytes: 500, ms: 5 };
