import { AgentError } from '../base/errors.ts';
import { secretsOfUrl } from '../base/secrets.ts';
import { secretsNamed } from '../base/secrets/names.ts';

/** The node's parameters, as written by Magnum's here-document. */
export type HeatParams = ReadonlyMap<string, string>;

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;

/**
 * Parses /etc/sysconfig/heat-params: one `KEY="value"` per line. Never evaluated as shell: `$`, backticks and
 * backslashes are literal. The last value of a repeated key wins, as in a shell. Ignores other lines (comments, blank
 * lines).
 */
export function parseHeatParams(text: string): HeatParams {
  const params = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, key, value] = LINE.exec(line.trimEnd()) ?? [];
    if (key !== undefined && value !== undefined) params.set(key, unquote(value));
  }
  return params;
}

/**
 * Finds values with an opening quote but no closing one, with their lines, counted from 1. A shell continues such a
 * value on the next lines. It counts as closed if the quote follows before the next parameter.
 */
export function unclosedQuotesIn(text: string): { line: number; key: string }[] {
  const lines = text.split(/\r?\n/);
  return lines.flatMap((first, index) => {
    const [, key, value] = LINE.exec(first.trimEnd()) ?? [];
    if (key === undefined || value === undefined || !isOpen(value)) return [];
    const more = lines.slice(index + 1);
    const next = more.findIndex((line) => LINE.test(line));
    const quote = value.slice(0, 1);
    const isClosed = more
      .slice(0, next < 0 ? undefined : next)
      .some((line) => line.trimEnd().endsWith(quote));
    return isClosed ? [] : [{ line: index + 1, key }];
  });
}

const isOpen = (value: string): boolean => /^["']/.test(value) && unquote(value) === value;

const unquote = (value: string): string => {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value.split(/\s#/, 1).join().trimEnd();
  if (value.length >= 2 && value.endsWith(quote)) return value.slice(1, -1);
  // A comment may follow the closing quote.
  return /^(["'])(.*)\1\s+#/.exec(value)?.[2] ?? value;
};

/** Returns a parameter's value; undefined if it is empty or missing. */
export const given = (params: HeatParams, key: string): string | undefined => params.get(key) || undefined;

/** Parses a boolean written by a shell: True, true, yes, 1. */
export const isTrue = (value: string | undefined): boolean => /^(true|yes|on|1)$/i.test(value ?? '');

/** Whether a parameter is explicitly false: False, no, 0. An empty one is not. */
export const isFalse = (value: string | undefined): boolean => /^(false|no|off|0)$/i.test(value ?? '');

/** Reports all missing parameters at once, so that the node can be repaired in one step. */
export function requireParams(params: HeatParams, keys: readonly string[], path: string): void {
  const missing = [...new Set(keys)].filter((key) => given(params, key) === undefined);
  if (missing.length > 0)
    throw new AgentError('bad-heat-params', `${path} has no value for ${missing.join(', ')}`, {
      reason: 'values-missing',
    });
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY'] as const;

/** Returns the values that must be redacted. */
export const secretsOfParams = (params: HeatParams): string[] => [
  ...[...params].flatMap(([key, value]) => secretsNamed(key, value)),
  ...PROXIES.flatMap((key) => secretsOfUrl(given(params, key) ?? '')),
];
