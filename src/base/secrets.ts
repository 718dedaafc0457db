/**
 * Redaction by value: whatever is known to be secret is registered once, where it enters the program, and
 * every text that leaves it (log, status, signal, state, terminal) goes through `redact`.
 */
export type Secrets = {
  /** Registers a value; empty and very short ones are ignored, they would black out ordinary text. */
  add(value: string | undefined): void;
  /** Registers a token, or a signature: of these only the last hundred are known, the ones before are worth nothing. */
  addPassing(value: string | undefined): void;
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

export function createSecrets(): Secrets {
  const lasting = new Map<string, readonly string[]>();
  const passing = new Map<string, readonly string[]>();
  let longestFirst: string[] | undefined;

  const addTo = (known: Map<string, readonly string[]>, value: string | undefined): void => {
    if (value === undefined || value.trim().length < SHORTEST || known.has(value)) return;
    known.set(value, spellingsOf(value));
    longestFirst = undefined;
  };

  return {
    add(value) {
      addTo(lasting, value);
    },

    addPassing(value) {
      addTo(passing, value);
      const [oldest] = passing.keys();
      if (passing.size > PASSING && oldest !== undefined) passing.delete(oldest);
    },

    redact(text) {
      // Longest first, or a secret that contains another would leave its tail behind.
      longestFirst ??= [...new Set([...lasting.values(), ...passing.values()].flat())].toSorted(
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
