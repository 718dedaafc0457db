import { type CredentialFormat, type CredentialKey, type Grammar, GRAMMARS } from './credential-grammars.ts';

/**
 * Lines that belong to one login: a whole shell file, a section of INI, a map of YAML. The last value of a repeated key
 * wins, as in a shell and in gcfg.
 */
export type Group = ReadonlyMap<CredentialKey, Entry>;

export type Entry = {
  /** undefined if readers may disagree about it. */
  value: string | undefined;
  /** The raw text with its quotes, and its offset. */
  raw: string;
  at: number;
  /** The whole line with its line end. */
  line: { at: number; text: string };
};

/** Returns every group of a text that contains at least one credential. */
export function groupsOf(text: string, format: CredentialFormat): Group[] {
  const groups = new Map<object, Map<CredentialKey, Entry>>();
  const groupAt = GROUPING[format]();
  let at = 0;
  for (const [line] of text.matchAll(/[^\n]+\n?|\n/g)) {
    const content = line.replace(/\r?\n$/, '');
    const group = groupAt(content);
    const [key, entry] = (group && entryOf(content, GRAMMARS[format])) ?? [];
    if (group && key && entry) {
      const entries = groups.get(group) ?? new Map<CredentialKey, Entry>();
      entries.set(key, { ...entry, at: at + entry.at, line: { at, text: line } });
      groups.set(group, entries);
    }
    at += line.length;
  }
  return [...groups.values()];
}

/** Whether a line sets a key, whatever its value looks like. */
const KEY = /^[ \t]*(?:export[ \t]+)?(?:- +)*([A-Za-z_][A-Za-z0-9_-]*)[ \t]*[=:]/;
/** Longer than any line that contains a password. */
const LONGEST = 10_000;

function entryOf(line: string, grammar: Grammar): [CredentialKey, Omit<Entry, 'line'>] | undefined {
  const [, name = ''] = KEY.exec(line) ?? [];
  const small = name.toLowerCase().replaceAll(/[-_]/g, '');
  const key = Object.hasOwn(grammar.keys, small) ? grammar.keys[small] : undefined;
  if (!key) return undefined;
  const [, before = '', , raw] = (line.length <= LONGEST && grammar.line.exec(line)) || [];
  return [
    key,
    raw === undefined
      ? { value: undefined, raw: '', at: line.length }
      : { value: grammar.read(raw), raw, at: before.length },
  ];
}

/** Returns the group of a line. Must be called for the lines in order. */
type Grouping = () => (line: string) => object | undefined;

const indentOf = (line: string): number => /^[ \t]*(?:- +)*/.exec(line)?.[0].length ?? 0;

const GROUPING: Readonly<Record<CredentialFormat, Grouping>> = {
  shell: () => {
    const all = {};
    return () => all;
  },

  // A section may be inside another file, such as the cloud-config in a Secret. Then it ends with its indentation.
  ini: () => {
    let section: { indent: number } | undefined;
    return (line) => {
      if (line.trim() === '' || /^[ \t]*[#;]/.test(line)) return undefined;
      const indent = indentOf(line);
      const [, name] = /^[ \t]*\[([^\]]*)\]/.exec(line) ?? [];
      if (name !== undefined) section = name.trim().toLowerCase() === 'global' ? { indent } : undefined;
      else if (section && indent < section.indent) section = undefined;
      return section;
    };
  },

  yaml: () => {
    let maps = new Map<number, object>();
    return (line) => {
      if (line.trim() === '' || /^[ \t]*#/.test(line)) return undefined;
      const indent = indentOf(line);
      const isNew = /^(?:---|\.\.\.)/.test(line) || /^[ \t]*- /.test(line);
      maps = new Map([...maps].filter(([other]) => other < indent || (other === indent && !isNew)));
      const map = maps.get(indent) ?? {};
      maps.set(indent, map);
      return map;
    };
  },
};
