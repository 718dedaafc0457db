import { pino } from 'pino';
import * as v from 'valibot';
import type { Secrets } from './secrets.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Messages are constant sentences; what varies goes into the fields. */
export type Log = Record<LogLevel, (fields: Record<string, unknown>, message: string) => void> & {
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
export function createLog(options: {
  level: LogLevel;
  style: LogStyle;
  secrets: Secrets;
  write: (line: string) => void;
}): Log {
  const { level, style, secrets, write } = options;
  const logger = pino(
    {
      level,
      base: null,
      timestamp: style === 'json' ? pino.stdTimeFunctions.isoTime : false,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write: (line: string) => {
        const entry = v.parse(Line, secrets.redactWithin(JSON.parse(line)));
        write(style === 'json' ? `${JSON.stringify(entry)}\n` : readable(entry, style));
      },
    },
  );
  const at = (name: LogLevel) => (fields: Record<string, unknown>, message: string) => {
    logger[name](fields, message);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    setLevel: (wanted) => {
      logger.level = wanted;
    },
  };
}

/** What pino writes with the options above. */
const Line = v.looseObject({ level: v.picklist(LOG_LEVELS), msg: v.string() });

function readable({ level, msg, ...fields }: v.InferOutput<typeof Line>, style: 'journal' | 'text'): string {
  const prefix = style === 'journal' ? `<${priorities[level]}>` : level === 'info' ? '' : `${level}: `;
  const details = Object.entries(fields).map(([name, value]) => `${name}=${quoteIfNeeded(value)}`);
  return `${prefix}${[msg, ...details].join(' ')}\n`;
}

const quoteIfNeeded = (value: unknown): string =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
