import { type CredentialFormat, type CredentialKey, type Grammar, GRAMMARS } from './credential-grammars.ts';

/**
 * Lines that are one login's: all of a shell's file, a section of INI, a map of YAML. Of a repeated key the last one
 * counts, as it does for a shell and for gcfg.
 */
export type Group = ReadonlyMap<CredentialKey, Entry>;

export type Entry = {
  /** undefined: what a reader makes of it is not certain. */
  value: string | undefined;
  /** As it stands there, with its quotes, and from where on. */
  raw: string;
  at: number;
  /** The whole line, with its end. */
  line: { at: number; text: string };
};

/** Every group of a text that gives at least one credential. */
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

/** Whether a line gives a key, whatever its value looks like. */
const KEY = /^[ \t]*(?:export[ \t]+)?(?:- +)*([A-Za-z_][A-Za-z0-9_-]*)[ \t]*[=:]/;
/** Longer than this is no line that holds a password. */
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

/** Tells which group a line belongs to; lines are shown to it in their order. */
type Grouping = () => (line: string) => object | undefined;

const indentOf = (line: string): number => /^[ \t]*(?:- +)*/.exec(line)?.[0].length ?? 0;

const GROUPING: Readonly<Record<CredentialFormat, Grouping>> = {
  shell: () => {
    const all = {};
    return () => all;
  },

  // A section may lie in another file, as the cloud-config of a Secret does: then it ends with its indentation.
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
