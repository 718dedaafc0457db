import { plainWords } from './plain-words.ts';

/**
 * The one error of this program. `code` is stable and machine-readable, `message` says what was being done
 * to what, `cause` is what went wrong underneath.
 */

/** What the caller should do about an error: wait and try again, or not. */
export type ErrorKind =
  /** The other side is not there yet, or gave what is no answer: the same attempt may succeed later. */
  | 'not-ready'
  /** Understood and turned down: trying the same again gives the same answer. */
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
  /** Which of the causes that share a code, in a word that stays; undefined where the code says it. */
  readonly reason: string | undefined;
  /** Lines that explain it, such as the end of a unit's journal: they follow the sentence. */
  readonly excerpt: readonly string[];
  /** How long the other side asked us to wait (HTTP Retry-After), in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      cause?: unknown;
      reason?: string | undefined;
      retryAfterMs?: number;
      excerpt?: readonly string[];
    } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'AgentError';
    this.code = code;
    this.reason = options.reason;
    this.excerpt = options.excerpt ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }

  get kind(): ErrorKind {
    return kinds[this.code];
  }
}

/** The error code of anything thrown; errors that are not ours have none. */
export const codeOf = (error: unknown): ErrorCode | undefined =>
  error instanceof AgentError ? error.code : undefined;

/** The reason of anything thrown, where it has one. */
export const reasonOf = (error: unknown): string | undefined =>
  error instanceof AgentError ? error.reason : undefined;

/** The code and reason of anything thrown, beside what it says; an error that is not ours is `internal`. */
export const causeOf = (
  error: unknown,
): { code: ErrorCode | 'internal'; reason: string | undefined; why: string } => ({
  code: codeOf(error) ?? 'internal',
  reason: reasonOf(error),
  why: explain(error),
});

export const isNotReady = (error: unknown): boolean =>
  error instanceof AgentError && error.kind === 'not-ready';

/** What an error says, with the lines that explain it below its sentence. */
export const explain = (error: unknown): string => [sentenceOf(error), ...excerptOf(error)].join('\n  ');

/** The lines that explain an error, its own or those of its nearest cause. */
export function excerptOf(error: unknown): readonly string[] {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < DEEPEST; depth += 1) {
    if (current instanceof AgentError && current.excerpt.length > 0) return current.excerpt;
    current = current.cause;
  }
  return [];
}

/** Bounded: an error may, by mistake, be among its own causes. */
const DEEPEST = 8;

/** The message of an error with those of its causes, outermost first, on one line. */
export function sentenceOf(error: unknown): string {
  const messages: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < DEEPEST; depth += 1) {
    const message = current instanceof Error ? messageOf(current) : describe(current);
    // A wrapper that already quotes its cause would only say it twice.
    if (!messages.some((seen) => seen.includes(message))) messages.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return messages.join(': ');
}

const messageOf = (error: Error): string => (error instanceof AgentError ? error.message : plainWords(error));

const describe = (thrown: unknown): string => (typeof thrown === 'string' ? thrown : JSON.stringify(thrown));

/** The errno name (`ENOENT` ...) of a system error, also when it is wrapped. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string' && /^E[A-Z0-9]+$/.test(error.code)) return error.code;
  return errnoOf(error.cause);
}
