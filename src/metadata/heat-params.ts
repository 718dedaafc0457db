import { AgentError } from '../base/errors.ts';
import { secretsOfUrl } from '../base/secrets.ts';
import { secretsNamed } from '../base/secrets/names.ts';

/** The node's parameters, as Magnum's here-document wrote them. */
export type HeatParams = ReadonlyMap<string, string>;

const LINE = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;

/**
 * Parses /etc/sysconfig/heat-params: one `KEY="value"` a line. It is read, never sourced: `$`, backticks and
 * backslashes are plain text. Of a repeated key the last one counts, as in a shell. Lines of another form
 * (comments, blank ones) are no parameters.
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
 * Values that begin with a quote and have no closing one, with their lines, counted from 1. A shell reads a value on over
 * lines until the quote is closed; before the next parameter it was meant to be.
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
  // Somebody's comment behind it.
  return /^(["'])(.*)\1\s+#/.exec(value)?.[2] ?? value;
};

/** A parameter that has a value. */
export const given = (params: HeatParams, key: string): string | undefined => params.get(key) || undefined;

/** Shell-written booleans: True, true, yes, 1. */
export const isTrue = (value: string | undefined): boolean => /^(true|yes|on|1)$/i.test(value ?? '');

/** Whether a parameter says no: False, no, 0. An empty one says nothing. */
export const isFalse = (value: string | undefined): boolean => /^(false|no|off|0)$/i.test(value ?? '');

/** Names every missing parameter at once, so that the node is mended in one go. */
export function requireParams(params: HeatParams, keys: readonly string[], path: string): void {
  const missing = [...new Set(keys)].filter((key) => given(params, key) === undefined);
  if (missing.length > 0)
    throw new AgentError('bad-heat-params', `${path} has no value for ${missing.join(', ')}`, {
      reason: 'values-missing',
    });
}

const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY'] as const;

/** The values that must never be shown. */
export const secretsOfParams = (params: HeatParams): string[] => [
  ...[...params].flatMap(([key, value]) => secretsNamed(key, value)),
  ...PROXIES.flatMap((key) => secretsOfUrl(given(params, key) ?? '')),
];
