import { isObject } from './json.ts';
import { createRecent } from './recent.ts';
import { LONGEST_PATTERN, type Patterns, patternsOf, SHORTEST, SHORTEST_ANYWHERE } from './secrets/forms.ts';
import { apart, MASK, masked } from './secrets/mask.ts';
import { createPatternIndex, type PatternIndex, type Span } from './secrets/patterns.ts';
import { shapesIn } from './secrets/shapes.ts';
import { createRedactingStream, type RedactingStream } from './secrets/stream.ts';

/**
 * Redaction. Each secret is registered once, where it enters the program, and every text that leaves the program (log,
 * status, signal, state, terminal) is redacted here. Tokens and private keys are also recognized by their shape.
 */
export type Secrets = {
  /** Registers a value in all forms in which programs write it; see secrets/forms.ts for very short ones. */
  add(value: string | undefined): void;
  /** Registers a value that is replaced often, such as a token. Only the last 100 of these are kept. */
  addPassing(value: string | undefined): void;
  /** Registers a value of one deployment until `forgetAllBut` removes that deployment. */
  addFor(deployment: string, value: string | undefined): void;
  /** Forgets the values of all other deployments, so that a daemon's memory does not grow with each of them. */
  forgetAllBut(deployments: ReadonlySet<string>): void;
  redact(text: string): string;
  /** Redacts every text, number and key within a JSON value; the result is still JSON. */
  redactWithin(value: unknown): unknown;
  /** Redacts text that arrives in chunks. */
  stream(): RedactingStream;
};

const PASSING = 100;
/** In characters: how much of a secret can remain when its beginning is cut off. */
export const LONGEST_REST = 4 * LONGEST_PATTERN;
type Known = { get(value: string): Patterns | undefined; set(value: string, patterns: Patterns): unknown };

export function createSecrets(): Secrets {
  const lasting = new Map<string, Patterns>();
  const passing = createRecent<Patterns>(PASSING);
  const byDeployment = new Map<string, Map<string, Patterns>>();
  let index = createIndex();
  let indexed = 0;

  const countKnown = (): number =>
    [...byDeployment.values()].reduce(
      (sum, known) => sum + known.size,
      lasting.size + passing.values().length,
    );
  const rebuild = (): void => {
    index = createIndex();
    indexed = countKnown();
    for (const known of [lasting, passing, ...byDeployment.values()])
      for (const patterns of known.values()) insert(index, patterns);
  };
  const addTo = (known: Known, value: string | undefined): void => {
    if (value === undefined || known.get(value)) return;
    const patterns = patternsOf(value);
    known.set(value, patterns);
    insert(index, patterns);
    indexed += 1;
    // An index cannot delete entries, so it is rebuilt now and then without the forgotten values.
    if (indexed - countKnown() > PASSING) rebuild();
  };
  const spansIn = (text: string): Span[] =>
    apart([...index.anywhere.spansIn(text), ...index.asToken.spansIn(text), ...shapesIn(text)]);
  const redact = (text: string): string => masked(text, spansIn(text));

  const redactWithin = (value: unknown): unknown => {
    if (typeof value === 'string') return redact(value);
    if (typeof value === 'number' || JSON.isRawJSON(value)) {
      const text = JSON.stringify(value);
      return redact(text) === text ? value : MASK;
    }
    if (Array.isArray(value)) return value.map(redactWithin);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [redact(key), redactWithin(one)]));
  };

  return {
    add(value) {
      addTo(lasting, value);
    },

    addPassing(value) {
      addTo(passing, value);
    },

    addFor(deployment, value) {
      const known = byDeployment.get(deployment) ?? new Map<string, Patterns>();
      byDeployment.set(deployment, known);
      addTo(known, value);
    },

    forgetAllBut(deployments) {
      const before = byDeployment.size;
      for (const deployment of byDeployment.keys())
        if (!deployments.has(deployment)) byDeployment.delete(deployment);
      if (byDeployment.size < before) rebuild();
    },

    redact,
    redactWithin,

    stream: () => createRedactingStream(spansIn),
  };
}

type Index = { anywhere: PatternIndex; asToken: PatternIndex };

const createIndex = (): Index => ({
  anywhere: createPatternIndex(SHORTEST_ANYWHERE),
  asToken: createPatternIndex(SHORTEST, standsAlone),
});

const insert = (index: Index, { anywhere, asToken }: Patterns): void => {
  index.anywhere.insert(anywhere);
  index.asToken.insert(asToken);
};

/** Whether no word, number or path adjoins the given part of a text. */
const standsAlone = (text: string, start: number, end: number): boolean =>
  !/[\p{L}\p{N}_][./+-]?$/u.test(text.slice(Math.max(0, start - 2), start)) &&
  !/^[./+-]?[\p{L}\p{N}_]/u.test(text.slice(end, end + 2));

/**
 * Returns the login of a URL, which may lack its `http://`: `user:password` as written and as sent, and the password.
 */
export function secretsOfUrl(url: string): string[] {
  const [, login] = /^(?:[a-z]+:\/\/)?([^/:]*:[^/]*)@/i.exec(url) ?? [];
  if (login === undefined) return [];
  const plain = decoded(login);
  return [login, plain, login.replace(/^[^:]*:/, ''), plain.replace(/^[^:]*:/, '')];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
