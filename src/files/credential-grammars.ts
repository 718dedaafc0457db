/**
 * How a value stands on a line, in each kind of file that holds credentials. No library does this: those that read
 * INI, YAML or a shell's assignments write a file anew and lose what they do not know, and none of them reads both
 * git's dialect of INI (which gcfg, and so every OpenStack part of Kubernetes, reads) and a file in a file. Everything
 * that is not the value stays as it is, byte for byte. What is not understood is never written to.
 */
export type Grammar = {
  /** Finds a value on a line without its end: what is before it, the key, and the value with its quotes. */
  line: RegExp;
  /** The value as a reader of the file understands it; undefined when that is not certain. */
  read(raw: string): string | undefined;
  /** The value for the place of another, with the quotes of that one if they will do; undefined: it cannot be held. */
  write(value: string, like: string): string | undefined;
  /** What each key means, in small letters and without - and _. */
  keys: Readonly<Record<string, CredentialKey>>;
};

export const CREDENTIAL_KEYS = [
  'user',
  'userName',
  'domain',
  'password',
  'trust',
  'region',
  'authUrl',
] as const;
/** One credential, whatever a file calls it. */
export type CredentialKey = (typeof CREDENTIAL_KEYS)[number];

const COMMENT = String.raw`(?=[ \t]*$|[ \t]+#)`;

/** heat-params: read as text by this program, as a shell by scripts; see src/metadata/heat-params.ts. */
const shell: Grammar = {
  line: new RegExp(
    String.raw`^([ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=)(".*"|'.*'|[^ \t"'][^ \t]*|)${COMMENT}`,
  ),
  read: (raw) => (isQuoted(raw) ? raw.slice(1, -1) : raw),
  write: (value, like) => {
    const [first, other] = like.startsWith("'") ? [`'`, `"`] : [`"`, `'`];
    if (!isQuoted(like) && like !== '' && /^[A-Za-z0-9_./:@%+,=-]+$/.test(value)) return value;
    // Between double quotes a shell replaces $, ` and \; between single ones nothing, but there is no '.
    const quote = [first, other].find((one) => (one === '"' ? !/["$`\\]/.test(value) : !value.includes("'")));
    return quote && `${quote}${value}${quote}`;
  },
  keys: {
    trusteeuserid: 'user',
    trusteeusername: 'userName',
    trusteedomainid: 'domain',
    trusteepassword: 'password',
    trustid: 'trust',
    regionname: 'region',
    authurl: 'authUrl',
  },
};

/** git-config(1): outside of double quotes # and ; begin a comment; a backslash is an escape everywhere. */
const ini: Grammar = {
  line: /^([ \t]*([A-Za-z][A-Za-z0-9-]*)[ \t]*=[ \t]*)("(?:[^"\\]|\\.)*"|[^"#; \t]+(?:[ \t]+[^"#; \t]+)*|(?=[#;]|$))(?=[ \t]*(?:[#;]|$))/,
  read: (raw) => {
    if (!raw.startsWith('"')) return raw.includes('\\') ? undefined : raw;
    return unescaped(raw.slice(1, -1));
  },
  write: (value, like) =>
    like.startsWith('"') || /["#;\\]|^\s|\s$/.test(value)
      ? `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`
      : value,
  keys: {
    userid: 'user',
    trusteeid: 'user',
    username: 'userName',
    domainid: 'domain',
    password: 'password',
    trusteepassword: 'password',
    trustid: 'trust',
    region: 'region',
    authurl: 'authUrl',
  },
};

/** One scalar on one line; rexray's keys and those of an ingress controller. */
const yaml: Grammar = {
  line: new RegExp(
    String.raw`^([ \t]*(?:- +)*([A-Za-z][A-Za-z0-9_-]*):[ \t]+)("(?:[^"\\]|\\.)*"|'[^']*'|[^ \t"'|>&*!%@{[#\x60][^ \t]*(?:[ \t]+[^ \t#][^ \t]*)*)${COMMENT}`,
  ),
  read: (raw) => {
    if (raw.startsWith("'")) return raw.slice(1, -1);
    if (raw.startsWith('"')) return unescaped(raw.slice(1, -1));
    return /: |:$/.test(raw) ? undefined : raw;
  },
  write: (value, like) => {
    const isPlain =
      /^[A-Za-z0-9_/][A-Za-z0-9_./:@-]*$/.test(value) && !value.endsWith(':') && !OTHER.test(value);
    if (isPlain && !isQuoted(like)) return value;
    // Where single quotes hold it there is nothing to escape.
    if (like.startsWith("'") && !value.includes("'")) return `'${value}'`;
    return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  },
  keys: { ...ini.keys, regionname: 'region' },
};

/** What would be no text in YAML 1.1 or 1.2: a number, a date, a truth. */
const OTHER =
  /^(?:[-+.\d][-+.\d_:tTzZ]*(?:e[-+]?\d+)?|0[xob][\da-f_]+|true|false|yes|no|on|off|y|n|null|~)$/i;

/** Between double quotes; other escapes than these two are not written, and not understood. */
const unescaped = (inner: string): string | undefined =>
  /^(?:[^"\\]|\\["\\])*$/.test(inner) ? inner.replaceAll(/\\(["\\])/g, '$1') : undefined;

const isQuoted = (raw: string): boolean =>
  raw.length >= 2 && (raw[0] === '"' || raw[0] === "'") && raw.endsWith(raw[0]);

export const GRAMMARS = { shell, ini, yaml } as const;
export type CredentialFormat = keyof typeof GRAMMARS;
