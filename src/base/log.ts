import { pino } from 'pino';
import * as v from 'valibot';
import { printable } from './printable.ts';
import type { Secrets } from './secrets.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The events that a program logs: by code, its level and its constant message. */
export type Events = Readonly<Record<string, readonly [level: LogLevel, message: string]>>;

/** Logs one event; what varies goes into the fields. */
export type EventLog<Code extends string> = ((event: Code, fields?: Record<string, unknown>) => void) & {
  setLevel(level: LogLevel): void;
};

/** `json`: one object a line. `journal`: a priority prefix and readable text. `text`: readable text. */
export type LogStyle = 'json' | 'journal' | 'text';

/** sd-daemon(3) priorities, which journald strips and stores. */
const priorities: Record<LogLevel, number> = { debug: 7, info: 6, warn: 4, error: 3 };

/**
 * Everything that is logged passes through one redacting writer, whatever the style.
 *
 * @param write takes one finished line with its newline
 */
export function createLog<Code extends string>(options: {
  events: Record<Code, Events[string]>;
  level: LogLevel;
  style: LogStyle;
  secrets: Secrets;
  write: (line: string) => void;
}): EventLog<Code> {
  const { events, level, style, secrets, write } = options;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: style === 'json' ? pino.stdTimeFunctions.isoTime : false,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (line: string) => {
        // Code and message are the program's own: only the fields can hold a secret.
        const { level: at, time, event, msg, ...fields } = v.parse(Line, line);
        const entry = { level: at, time, event, ...v.parse(Fields, secrets.redactWithin(fields)), msg };
        write(style === 'json' ? `${JSON.stringify(entry)}\n` : readable(entry, style));
      },
    },
  );
  const log = (event: Code, fields: Record<string, unknown> = {}): void => {
    const [at, message] = events[event];
    logger[at]({ event, ...fields }, message);
  };
  return Object.assign(log, {
    setLevel: (wanted: LogLevel) => {
      logger.level = wanted;
    },
  });
}

/** What pino writes with the options above. */
const Line = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    level: v.picklist(LOG_LEVELS),
    time: v.optional(v.string()),
    event: v.string(),
    msg: v.string(),
  }),
);
const Fields = v.record(v.string(), v.unknown());

function readable(
  { level, time: _time, event: _event, msg, ...fields }: v.InferOutput<typeof Line>,
  style: 'journal' | 'text',
): string {
  const prefix = style === 'journal' ? `<${priorities[level]}>` : level === 'info' ? '' : `${level}: `;
  const details = Object.entries(fields).map(([name, value]) => `${name}=${quoteIfNeeded(value)}`);
  return `${prefix}${[msg, ...details].join(' ')}\n`;
}

const quoteIfNeeded = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=\p{Cc}]+$/u.test(value) ? value : printable(JSON.stringify(value));
