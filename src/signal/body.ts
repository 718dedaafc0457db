import { cutMark } from '../base/cut.ts';
import type { Outcome, SignalTarget } from '../deployment/deployment.ts';

/** Heat accepts at most 1,048,576 bytes; the difference is room for encoding on the way. */
export const LARGEST_BODY = 950_000;

/** Zaqar accepts at most 262,144 bytes for a message with its envelope. */
const LARGEST_MESSAGE = 250_000;

/** Returns the maximum size of a signal's body, in bytes. */
export const largestBody = ({ transport }: Pick<SignalTarget, 'transport'>): number =>
  transport === 'ZAQAR_SIGNAL' ? LARGEST_MESSAGE : LARGEST_BODY;

/** Shorter texts are not truncated: the mark would be as long. */
const NOT_WORTH_CUTTING = 64;

/**
 * Builds the body of a signal: always a numeric status code (a missing one would mean success), both texts, and the
 * outputs. If the body is too large, truncates the start of its longest text first, because the relevant part is at the
 * end.
 */
export function signalBody(outcome: Outcome, limit = LARGEST_BODY): string {
  const answer: Record<string, unknown> = {
    deploy_stdout: outcome.stdout,
    deploy_stderr: outcome.stderr,
    // JSON has no NaN: it would become null, and Heat's reaction to that is undefined.
    deploy_status_code: Number.isFinite(outcome.statusCode) ? outcome.statusCode : 1,
  };
  let body: Record<string, unknown> = { ...outcome.outputs, ...answer };
  for (;;) {
    const text = JSON.stringify(body);
    const excess = Buffer.byteLength(text) - limit;
    if (excess <= 0) return text;
    const [name, value] = longestText(body);
    if (size(value) > NOT_WORTH_CUTTING) body[name] = cutStart(value, excess);
    // Reached only with very many tiny outputs.
    else body = { ...answer, deploy_stderr: `${outcome.stderr}\n[too many outputs: all of them omitted]` };
  }
}

const size = (text: string): number => Buffer.byteLength(JSON.stringify(text));

function longestText(body: Readonly<Record<string, unknown>>): [string, string] {
  const texts = Object.entries(body).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value ?? null),
  ]);
  return texts.reduce((longest, entry) => (size(entry[1]) > size(longest[1]) ? entry : longest));
}

/** Removes at least `bytes` of a text's JSON form from its start, and puts a mark there. */
function cutStart(text: string, bytes: number): string {
  const wanted = Math.max(0, size(text) - bytes - size(cutMark(Buffer.byteLength(text))));
  // Binary search for the longest end that fits: an escaped character takes up to six bytes.
  let from = 0;
  let to = text.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (size(text.slice(middle)) > wanted) from = middle + 1;
    else to = middle;
  }
  // Does not split a surrogate pair.
  const start = /^[\uDC00-\uDFFF]/.test(text.slice(from)) ? from + 1 : from;
  return cutMark(Buffer.byteLength(text.slice(0, start))) + text.slice(start);
}
