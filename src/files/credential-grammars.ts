/**
 * The syntax of a value in each kind of file with credentials. Libraries for INI, YAML and shell assignments rewrite a
 * file and lose what they do not know. None of them reads both git's dialect of INI (used by gcfg, and so by every
 * OpenStack component of Kubernetes) and a file within a file. Everything except the value is kept byte for byte. A
 * value that cannot be parsed is never changed.
 */
export type Grammar = {
  /** Matches a value on a line without its end: the text before it, the key, and the value with its quotes. */
  line: RegExp;
  /** Returns the value as readers of the file parse it; undefined if that is uncertain. */
  read(raw: string): string | undefined;
  /**
   * Formats a value with the quotes of the one it replaces, if possible; undefined if the format cannot represent it.
   */
  write(value: string, like: string): string | undefined;
  /** The credential of each key, in lower case and without - and _. */
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
/** One credential, independent of its name in a file. */
export type CredentialKey = (typeof CREDENTIAL_KEYS)[number];

const COMMENT = String.raw`(?=[ \t]*$|[ \t]+#)`;

/** heat-params: parsed as text by this program, and as shell by scripts; see src/metadata/heat-params.ts. */
const shell: Grammar = {
  line: new RegExp(
    String.raw`^([ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=)(".*"|'.*'|[^ \t"'][^ \t]*|)${COMMENT}`,
  ),
  read: (raw) => (isQuoted(raw) ? raw.slice(1, -1) : raw),
  write: (value, like) => {
    const [first, other] = like.startsWith("'") ? [`'`, `"`] : [`"`, `'`];
    if (!isQuoted(like) && like !== '' && /^[A-Za-z0-9_./:@%+,=-]+$/.test(value)) return value;
    // Within double quotes a shell replaces $, ` and \. Single quotes prevent that, but cannot contain '.
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

/** git-config(1): # and ; start a comment outside double quotes; a backslash escapes everywhere. */
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

/** One scalar per line; the keys of rexray and of an ingress controller. */
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
    // Within single quotes, nothing needs to be escaped.
    if (like.startsWith("'") && !value.includes("'")) return `'${value}'`;
    return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  },
  keys: { ...ini.keys, regionname: 'region' },
};

/** Values that YAML 1.1 or 1.2 reads as a number, a date or a boolean. */
const OTHER =
  /^(?:[-+.\d][-+.\d_:tTzZ]*(?:e[-+]?\d+)?|0[xob][\da-f_]+|true|false|yes|no|on|off|y|n|null|~)$/i;

/** Decodes a double-quoted text. Other escapes than these two are neither written nor parsed. */
const unescaped = (inner: string): string | undefined =>
  /^(?:[^"\\]|\\["\\])*$/.test(inner) ? inner.replaceAll(/\\(["\\])/g, '$1') : undefined;

const isQuoted = (raw: string): boolean =>
  raw.length >= 2 && (raw[0] === '"' || raw[0] === "'") && raw.endsWith(raw[0]);

export const GRAMMARS = { shell, ini, yaml } as const;
export type CredentialFormat = keyof typeof GRAMMARS;
