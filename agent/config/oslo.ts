import type { PredecessorConfig, Section } from './predecessor.ts';

/**
 * Reads a configuration file in oslo.config's dialect of INI. `=` and `:` separate keys from values. A comment takes a
 * whole line. One pair of quotes around a value is removed. Indented lines continue a value, and any key may be
 * repeated. Section names match in any case, except DEFAULT. In a value, `$option`, `${option}` and `$group.option` are
 * replaced by that option's value; `$$` and `\$` give a dollar sign. Lines that oslo.config would reject are ignored.
 *
 * @param optionsOf returns the options that the file's owner defines in a section, with their defaults
 */
export function readOsloConfig(
  text: string,
  optionsOf: (section: string) => ReadonlyMap<string, string>,
): PredecessorConfig {
  const raw = parse(text);
  const resolve = (section: string, value: string, depth: number): string =>
    value
      .replaceAll(String.raw`\$`, '$$$$')
      .replaceAll(REFERENCE, (whole, escaped?: string, bare?: string, braced?: string) => {
        if (escaped !== undefined) return '$';
        const found = depth > 0 ? lookUp(section, bare ?? braced ?? '', depth - 1) : undefined;
        return found ?? whole;
      });
  const lookUp = (section: string, name: string, depth: number): string | undefined => {
    const [group = '', option] = name.split(/\.(.*)/s);
    const places: [string, string][] =
      option === undefined
        ? [
            [section, name],
            [GENERAL, name],
          ]
        : [[group, option]];
    for (const [place, key] of places) {
      const fallback = optionsOf(place).get(key);
      const value = raw.get(place)?.get(key)?.at(-1);
      if (fallback !== undefined) return value === undefined ? fallback : resolve(place, value, depth);
    }
    return undefined;
  };
  const section = (name: string): Section =>
    new Map(
      [...(raw.get(name) ?? [])].map(([key, values]) => [
        key,
        values.map((value) => resolve(name, value, DEEPEST)),
      ]),
    );
  return { general: section(GENERAL), section };
}

const GENERAL = 'DEFAULT';

/** The syntax of Python's `string.Template`, with dots in names. */
const REFERENCE = /\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})/gi;

/** Depth limit for references. An option that refers to itself has no value. */
const DEEPEST = 8;

/** Returns every value of every key, by section. */
function parse(text: string): Map<string, Map<string, string[]>> {
  const sections = new Map<string, Map<string, string[]>>();
  let current: Map<string, string[]> | undefined;
  for (const line of wholeLines(text)) {
    if (line.startsWith('[')) {
      current = sectionOf(line, sections);
      continue;
    }
    const [, key, rest = ''] = /^([^=:]+)[=:](.*)$/s.exec(line) ?? [];
    if (key === undefined || !current) continue;
    const first = rest.split('\n', 1).join();
    const value = unquote(first.trim()) + rest.slice(first.length);
    current.set(key.trim(), [...(current.get(key.trim()) ?? []), value]);
  }
  return sections;
}

/** Returns the section that a line starts; undefined if its name cannot be read. */
function sectionOf(
  line: string,
  sections: Map<string, Map<string, string[]>>,
): Map<string, string[]> | undefined {
  const [, name] = /^\[(.+)\]$/s.exec(line) ?? [];
  if (name === undefined) return undefined;
  const key = name === GENERAL ? name : name.toLowerCase();
  const section = sections.get(key) ?? new Map<string, string[]>();
  sections.set(key, section);
  return section;
}

/** Joins each line with its continuation lines. An empty line or a comment ends it. */
function wholeLines(text: string): string[] {
  const lines: string[] = [];
  let isOpen = false;
  for (const line of text.split(/\r?\n/).map((one) => one.trimEnd())) {
    const isContinuation = /^[ \t]/.test(line);
    if (!isContinuation) {
      isOpen = /^[^#;[]/.test(line);
      if (!/^([#;]|$)/.test(line)) lines.push(line);
    } else if (isOpen) lines.push(`${lines.pop()}\n${line.trimStart()}`);
  }
  return lines;
}

const unquote = (value: string): string =>
  /^["']/.test(value) && value.at(-1) === value[0] ? value.slice(1, -1) : value;
