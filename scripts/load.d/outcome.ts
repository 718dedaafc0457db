/** Reasons of a failed attempt. `machine`: it timed out while this machine could not even answer itself. */
export const WHYS = [
  'refused',
  'reset',
  'time-out',
  'server certificate',
  'client certificate',
  '401',
  '403',
  '429',
  '4xx',
  '5xx',
  'wrong answer',
  'other',
  'machine',
] as const;
export type Why = (typeof WHYS)[number];

export type Failure = { why: Why; detail: string };
/** undefined: it succeeded. */
export type Outcome = Failure | undefined;

/** A failure of an attempt for which Node has no error. */
export class AttemptFailed extends Error {
  readonly why: Why;
  constructor(why: Why, detail: string) {
    super(detail);
    this.why = why;
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof AttemptFailed) return { why: error.why, detail: error.message };
  const detail = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED') return { why: 'refused', detail };
  // A server that requires another client certificate sends an alert.
  if (/^ERR_SSL_.*ALERT/.test(code)) return { why: 'client certificate', detail };
  if (['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(code)) return { why: 'reset', detail };
  return { why: 'other', detail: `${code} ${detail}`.trim() };
}

/** Classifies client-go's message as kubectl prints it. */
export function failureOfKubectl(text: string): Failure {
  const detail = text.trim().split('\n').at(-1) ?? '';
  const why = KUBECTL.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
  return { why, detail: detail.slice(0, 300) };
}

const KUBECTL: readonly (readonly [RegExp, Why])[] = [
  [/connection refused|was refused/, 'refused'],
  [/remote error: tls|client certificate/, 'client certificate'],
  [/x509:/, 'server certificate'],
  [/must be logged in|Unauthorized/i, '401'],
  [/forbidden/i, '403'],
  [/too many requests/i, '429'],
  [/connection reset|broken pipe|EOF|connection lost|GOAWAY|closed connection/, 'reset'],
  [/i\/o timeout|deadline|Timeout|timed out/i, 'time-out'],
  [/etcdserver|InternalError|ServiceUnavailable|unavailable|unable to handle|currently unable/i, '5xx'],
];

export function failureOfStatus(status: number, text: string): Outcome {
  if (status >= 200 && status < 300) return undefined;
  const detail = `${status} ${text.replaceAll(/\s+/g, ' ').slice(0, 200)}`;
  if (status === 401 || status === 403 || status === 429) return { why: `${status}`, detail };
  return { why: status >= 500 ? '5xx' : '4xx', detail };
}
