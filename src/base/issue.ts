import * as v from 'valibot';

type Issue = v.BaseIssue<unknown>;

/**
 * Describes what is wrong with a value, by the name of the option or field. The value itself is not quoted: it may be
 * secret or long.
 *
 * @param at prefix of each name: what contains the value
 */
export function describeIssues(issues: readonly [Issue, ...Issue[]], at = ''): string {
  const missing = issues.filter(isMissing).map((issue) => nameOf(issue, at));
  if (missing.length > 0) return `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`;
  const [issue] = issues;
  return `${nameOf(issue, at)}: ${describe(issue)}`;
}

const isMissing = ({ received }: Issue): boolean => received === 'undefined';

const nameOf = (issue: Issue, at: string): string =>
  [at, v.getDotPath(issue)].filter(Boolean).join('.') || 'it';

function describe({ kind, expected, input, message }: Issue): string {
  if (expected === 'never') return 'there is no such key';
  if (kind === 'schema') return `expected ${wordOf(expected)}, found ${kindOf(input)}`;
  // Shows the schema's own messages unchanged. valibot's messages would quote the value, and only their text
  // distinguishes them.
  return message.startsWith('Invalid ') ? `expected ${wordOf(expected)}` : message;
}

const WORDS: Readonly<Record<string, string>> = {
  Array: 'a list',
  Object: 'a map',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
};

const wordOf = (expected: string | null): string => WORDS[expected ?? ''] ?? expected ?? 'something else';

const KINDS: Readonly<Record<string, string>> = {
  object: 'a map',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
};

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : (KINDS[typeof value] ?? 'something else');
}
