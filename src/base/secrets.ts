/**
 * Redaction by value: whatever is known to be secret is registered once, where it enters the program, and
 * every text that leaves it (log, status, signal, state, terminal) goes through `redact`.
 */
export type Secrets = {
  /** Registers a value; empty and very short ones are ignored, they would black out ordinary text. */
  add(value: string | undefined): void;
  redact(text: string): string;
};

const MASK = '***';
const SHORTEST = 6;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

export function createSecrets(): Secrets {
  const values = new Set<string>();
  let longestFirst: string[] | undefined;

  return {
    add(value) {
      if (value === undefined || value.trim().length < SHORTEST) return;
      // The same secret travels in several spellings: inside JSON, inside a URL, base64 in a kubeconfig.
      const spellings = [
        value,
        value.trim(),
        JSON.stringify(value).slice(1, -1),
        // Half a surrogate pair cannot be encoded, and nobody could have sent it so.
        encodeURIComponent(value.toWellFormed()),
        Buffer.from(value).toString('base64'),
      ];
      for (const spelling of spellings) values.add(spelling);
      longestFirst = undefined;
    },

    redact(text) {
      // Longest first, or a secret that contains another would leave its tail behind.
      longestFirst ??= [...values].toSorted((a, b) => b.length - a.length);
      let clean = text.includes('PRIVATE KEY') ? text.replace(PRIVATE_KEY, MASK) : text;
      for (const value of longestFirst) if (clean.includes(value)) clean = clean.replaceAll(value, MASK);
      return clean;
    },
  };
}
