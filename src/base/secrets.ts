import { createRecent } from './recent.ts';

/**
 * Redaction by value: whatever is known to be secret is registered once, where it enters the program, and
 * every text that leaves it (log, status, signal, state, terminal) goes through `redact`.
 */
export type Secrets = {
  /** Registers a value; empty and very short ones are ignored, they would black out ordinary text. */
  add(value: string | undefined): void;
  /** Registers what is replaced again and again, such as a token: only the last hundred of these are known. */
  addPassing(value: string | undefined): void;
  /** Registers a value of one deployment, until `forgetAllBut` finds that deployment done. */
  addFor(deployment: string, value: string | undefined): void;
  /** Forgets the values of all other deployments, so that a daemon does not grow with each of them. */
  forgetAllBut(deployments: ReadonlySet<string>): void;
  redact(text: string): string;
};

const MASK = '***';
const SHORTEST = 6;
const PASSING = 100;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);

/** A key that has lost its first line, as at the start of a journal's last lines, is still a key. */
const linesOfKey = (value: string): string[] =>
  value.includes('PRIVATE KEY')
    ? (value.replaceAll(String.raw`\n`, '\n').match(/[A-Za-z0-9+/]{24,}={0,2}/g) ?? [])
    : [];

/**
 * The same secret travels in several spellings: inside JSON (also inside JSON again, as when a service quotes a
 * request and a log quotes the service), inside a URL, base64 in a kubeconfig.
 */
const spellingsOf = (value: string): string[] => [
  value,
  value.trim(),
  inJson(value),
  inJson(inJson(value)),
  inJson(inJson(inJson(value))),
  // Half a surrogate pair cannot be encoded, and nobody could have sent it so.
  encodeURIComponent(value.toWellFormed()),
  Buffer.from(value).toString('base64'),
  ...linesOfKey(value),
];

type Spellings = readonly string[];
type Known = { get(value: string): Spellings | undefined; set(value: string, all: Spellings): unknown };

export function createSecrets(): Secrets {
  const lasting = new Map<string, Spellings>();
  const passing = createRecent<Spellings>(PASSING);
  const byDeployment = new Map<string, Map<string, Spellings>>();
  let longestFirst: string[] | undefined;

  const addTo = (known: Known, value: string | undefined): void => {
    if (value === undefined || value.trim().length < SHORTEST || known.get(value)) return;
    known.set(value, [...new Set(spellingsOf(value))]);
    longestFirst = undefined;
  };

  return {
    add(value) {
      addTo(lasting, value);
    },

    addPassing(value) {
      addTo(passing, value);
    },

    addFor(deployment, value) {
      const known = byDeployment.get(deployment) ?? new Map<string, Spellings>();
      byDeployment.set(deployment, known);
      addTo(known, value);
    },

    forgetAllBut(deployments) {
      for (const deployment of byDeployment.keys())
        if (!deployments.has(deployment)) byDeployment.delete(deployment);
      longestFirst = undefined;
    },

    redact(text) {
      // Longest first, or a secret that contains another would leave its tail behind.
      const known = [lasting, passing, ...byDeployment.values()];
      longestFirst ??= [...new Set(known.flatMap((all) => [...all.values()].flat()))].toSorted(
        (a, b) => b.length - a.length,
      );
      let clean = text.includes('PRIVATE KEY') ? text.replace(PRIVATE_KEY, MASK) : text;
      for (const value of longestFirst) if (clean.includes(value)) clean = clean.replaceAll(value, MASK);
      return clean;
    },
  };
}

/** `user:password` of an address, which may lack its `http://`, as it stands there and as it is sent, and the password alone. */
export function secretsOfUrl(url: string): string[] {
  const [, login] = /^(?:[a-z]+:\/\/)?([^/]*:[^/]*)@/i.exec(url) ?? [];
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
