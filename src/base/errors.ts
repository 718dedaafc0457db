import { plainWords } from './plain-words.ts';

/**
 * The only error class of this program. `code` is stable and machine-readable, `message` says what was being done to
 * what, `cause` is the underlying error.
 */

/** How a caller should handle an error: wait and retry, or give up. */
export type ErrorKind =
  /** The peer is not available yet or sent an invalid answer. The same attempt may succeed later. */
  | 'not-ready'
  /** Understood and rejected. Retrying gives the same answer. */
  | 'refused'
  /** Something broke on the way. */
  | 'failed';

const kinds = {
  usage: 'refused',
  config: 'refused',
  'lock-held': 'refused',
  'cloud-unreachable': 'not-ready',
  'not-yet': 'not-ready',
  'cloud-refused': 'refused',
  unauthorized: 'refused',
  'login-refused': 'refused',
  'bad-answer': 'not-ready',
  'too-large': 'failed',
  'bad-metadata': 'failed',
  'bad-deployment': 'refused',
  'bad-heat-params': 'refused',
  precondition: 'refused',
  'bad-certificate': 'failed',
  'bad-file': 'failed',
  disk: 'failed',
  state: 'failed',
  unit: 'failed',
  proof: 'failed',
  aborted: 'failed',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof kinds;

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(kinds, code);

export class AgentError extends Error {
  readonly code: ErrorCode;
  /** Stable word that distinguishes causes with the same code; undefined if the code is specific enough. */
  readonly reason: string | undefined;
  /** The attempted action. The message begins with it. */
  readonly task: string | undefined;
  /** The message without the task. */
  readonly detail: string;
  /** Explanatory lines shown after the message, such as the last lines of a unit's journal. */
  readonly excerpt: readonly string[];
  /** How long the peer asked to wait (HTTP Retry-After), in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    options: {
      cause?: unknown;
      reason?: string | undefined;
      task?: string;
      retryAfterMs?: number;
      excerpt?: readonly string[];
    } = {},
  ) {
    const { task } = options;
    super(
      task === undefined ? detail : `${task}: ${detail}`,
      'cause' in options ? { cause: options.cause } : undefined,
    );
    this.name = 'AgentError';
    this.code = code;
    this.reason = options.reason;
    this.task = task;
    this.detail = detail;
    this.excerpt = options.excerpt ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }

  get kind(): ErrorKind {
    return kinds[this.code];
  }
}

/** Returns the code of anything thrown; undefined for foreign errors. */
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof AgentError ? error.code : undefined;

/** Returns the reason of anything thrown, if it has one. */
export const reasonOf = (error: unknown): string | undefined =>
  error instanceof AgentError ? error.reason : undefined;

/** Returns code, reason and text of anything thrown. The code of a foreign error is `internal`. */
export const causeOf = (
  error: unknown,
): { code: ErrorCode | 'internal'; reason: string | undefined; why: string } => ({
  code: codeOf(error) ?? 'internal',
  reason: reasonOf(error),
  why: explain(error),
});

export const isNotReady = (error: unknown): boolean =>
  error instanceof AgentError && error.kind === 'not-ready';

/** Returns the message of an error, followed by its explanatory lines. */
export const explain = (error: unknown): string => [sentenceOf(error), ...excerptOf(error)].join('\n  ');

/** Returns the explanatory lines of an error, or those of its nearest cause that has any. */
export function excerptOf(error: unknown): readonly string[] {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < DEEPEST; depth += 1) {
    if (current instanceof AgentError && current.excerpt.length > 0) return current.excerpt;
    current = current.cause;
  }
  return [];
}

/** Bounded: an error may by mistake be among its own causes. */
const DEEPEST = 8;

/** Joins the messages of an error and its causes on one line, outermost first. */
export const sentenceOf = (error: unknown): string => joined(error, messageOf);

/** Does the same without the task of the error. */
export const detailOf = (error: unknown): string =>
  joined(error, (one) => (one === error && one instanceof AgentError ? one.detail : messageOf(one)));

function joined(error: unknown, textOf: (error: Error) => string): string {
  const messages: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < DEEPEST; depth += 1) {
    const message = current instanceof Error ? textOf(current) : describe(current);
    // Skips a cause that its wrapper already quotes.
    if (!messages.some((seen) => seen.includes(message))) messages.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return messages.join(': ');
}

const messageOf = (error: Error): string => (error instanceof AgentError ? error.message : plainWords(error));

const describe = (thrown: unknown): string => (typeof thrown === 'string' ? thrown : JSON.stringify(thrown));

/** Returns the errno name (`ENOENT` ...) of a system error, also if it is wrapped. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code)) return error.code;
  return errnoOf(error.cause);
}
