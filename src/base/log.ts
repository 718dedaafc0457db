import { pino } from 'pino';
import * as v from 'valibot';
import { printable } from './printable.ts';
import type { Secrets } from './secrets.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The events that a program logs: each code has a level and a constant message. */
export type Events = Readonly<Record<string, readonly [level: LogLevel, message: string]>>;

/** One logged event, redacted. */
export type LogEntry = {
  level: LogLevel;
  event: string;
  message: string;
  fields: Readonly<Record<string, unknown>>;
};

/** Logs one event. Variable data belong in the fields. */
export type EventLog<Code extends string> = ((event: Code, fields?: Record<string, unknown>) => void) & {
  setLevel(level: LogLevel): void;
  /** Passes every event to a listener, replacing the listener with the same name; undefined removes it. */
  setListener(name: string, listener: Listener | undefined): void;
};

type Listener = (entry: LogEntry) => void;

/** `json`: one object per line. `journal`: priority prefix and readable text. `text`: readable text. */
export type LogStyle = 'json' | 'journal' | 'text';

/** sd-daemon(3) priorities; journald strips and stores them. */
export const PRIORITIES: Record<LogLevel, number> = { debug: 7, info: 6, warn: 4, error: 3 };

/**
 * Creates the log. Every line, whatever its style, passes through one redacting writer.
 *
 * @param write receives one finished line with its newline, and the entry it was made from
 */
export function createLog<Code extends string>(options: {
  events: Record<Code, Events[string]>;
  level: LogLevel;
  style: LogStyle;
  secrets: Secrets;
  write: (line: string, entry: LogEntry) => void;
}): EventLog<Code> {
  const { events, level, style, secrets, write } = options;
  const listeners = new Map<string, Listener>();
  const logger = pino(
    {
      level,
      base: null,
      timestamp: style === 'json' ? pino.stdTimeFunctions.isoTime : false,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (line: string) => {
        // Code and message are constants of the program; only the fields can hold a secret.
        const { level: at, time, event, msg, ...fields } = v.parse(Line, line);
        const entry = {
          level: at,
          event,
          message: msg,
          fields: v.parse(Fields, secrets.redactWithin(fields)),
        };
        const json = { level: at, time, event, ...entry.fields, msg };
        write(style === 'json' ? `${JSON.stringify(json)}\n` : readable(entry, style), entry);
        for (const listener of listeners.values()) listener(entry);
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
    setListener: (name: string, listener: Listener | undefined) => {
      if (listener) listeners.set(name, listener);
      else listeners.delete(name);
    },
  });
}

/** A line that pino writes with these options. */
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

function readable(entry: LogEntry, style: 'journal' | 'text'): string {
  const { level } = entry;
  const prefix = style === 'journal' ? `<${PRIORITIES[level]}>` : level === 'info' ? '' : `${level}: `;
  return `${prefix}${textOf(entry)}\n`;
}

/** Formats an entry as one readable line. */
export function textOf({ message, fields }: LogEntry): string {
  const details = Object.entries(fields).map(([name, value]) => `${name}=${quoteIfNeeded(value)}`);
  return [message, ...details].join(' ');
}

const quoteIfNeeded = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=\p{Cc}]+$/u.test(value) ? value : printable(JSON.stringify(value));
