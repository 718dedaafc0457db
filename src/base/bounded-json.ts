/**
 * Limits JSON before it is parsed. A value takes up to 50 times the memory of its text, and the unit limits memory
 * (MemoryMax). Without these limits, a sender could crash the daemon at every start with nested lists.
 */

/** Limit of members of one list or map, and of values inside one when the total is too large. */
const MOST_MEMBERS = 10_000;
/** A list that is too long keeps its last 64 to 128 members; fewer if they are numbers or large. */
const KEPT_MEMBERS = 64;
const KEPT_VALUES = 1000;
const DEEPEST = 200;
/** Limit of values in the remaining text. */
export const MOST_VALUES = 200_000;

/**
 * Replaces a list or map beyond these limits, or the members of a long list before its last ones. Heat puts the inputs
 * that say how to signal at the end of a list.
 */
export const LEFT_OUT = `[coe-agent left out a list or map: nested too deep (more than ${DEEPEST} levels), or too long (more than ${MOST_MEMBERS} members or values)]`;

/** Start and end of a list, a map or a string. Commas are counted in between. */
const STRUCTURE = /["[\]{}]/g;

/** A position in the text, with the counts before it. */
type Mark = { at: number; values: number; cuts: number; heavies: number };

type Cut = { start: number; end: number };

/** A list or map to leave out if the total is too large, and how many values that saves. */
type Heavy = Cut & { saves: number };

/** A list or map that is not closed yet. */
type Open = {
  start: Mark;
  isList: boolean;
  members: number;
  /** Commas of a list after which only few members have come so far. */
  late: (Mark & { members: number })[];
};

/**
 * Replaces every list or map beyond the limits by `LEFT_OUT`, so that only the part using it fails. A list that is too
 * long keeps its last members. If the total is too large, the innermost lists and maps with more than `MOST_MEMBERS`
 * values are left out, largest first.
 *
 * @returns the bounded text, or why it must not be parsed: unbalanced brackets, or still too many values
 */
export function boundedJson(text: string): { text: string } | { fault: 'garbled' | 'too many values' } {
  const open: Open[] = [];
  const cuts: Cut[] = [];
  const heavies: Heavy[] = [];
  let values = 1;
  /** Levels below the deepest one that is inspected. Only brackets are counted there. */
  let beyond = 0;
  let last = 0;
  const markAt = (at: number): Mark => ({ at, values, cuts: cuts.length, heavies: heavies.length });
  STRUCTURE.lastIndex = 0;
  // `test` creates no match objects; V8's interpreter is slow in a loop this long.
  while (STRUCTURE.test(text)) {
    const at = STRUCTURE.lastIndex - 1;
    const found = text[at];
    const within = open.at(-1);
    if (beyond === 0 && at > last) {
      const commas = commasBetween(text, last, at);
      values += commas;
      if (within && commas > 0) {
        within.members += commas;
        if (within.isList) markLate(within, markAt(text.lastIndexOf(',', at)));
      }
    }
    last = at + 1;
    if (found === '"') {
      last = endOfText(text, at);
      STRUCTURE.lastIndex = last;
    } else if (found === '[' || found === '{') {
      if (open.length > DEEPEST) beyond += 1;
      else open.push({ start: markAt(at), isList: found === '[', members: 1, late: [] });
      values += 1;
    } else if (beyond > 0) beyond -= 1;
    else {
      const ended = open.pop();
      if (!ended) return { fault: 'garbled' };
      const { start } = ended;
      const [kept] = open.length < DEEPEST ? ended.late : [];
      if (open.length >= DEEPEST || ended.members > MOST_MEMBERS) {
        // Cuts inside this one are no longer needed.
        const later = kept ? cuts.slice(kept.cuts) : [];
        cuts.length = start.cuts;
        cuts.push(cutOf(start.at, last, kept), ...later);
        heavies.splice(start.heavies, (kept?.heavies ?? heavies.length) - start.heavies);
        values = start.values + (kept ? values - kept.values + 1 : 0);
      } else if (open.length > 0 && values - start.values > MOST_MEMBERS && heavies.length === start.heavies)
        heavies.push({ ...cutOf(start.at, last, kept), saves: (kept?.values ?? values) - start.values });
    }
  }
  if (open.length > 0) return { fault: 'garbled' };
  const left: Cut[] = [];
  for (const heavy of heavies.toSorted((one, other) => other.saves - one.saves)) {
    if (values <= MOST_VALUES) break;
    values -= heavy.saves;
    left.push(heavy);
  }
  if (values > MOST_VALUES) return { fault: 'too many values' };
  const kept = cuts.filter((cut) => !left.some((one) => isWithin(cut, one)));
  return { text: withoutCuts(text, [...left, ...kept]) };
}

/** A whole list or map, or the members of a list before the kept ones. */
const cutOf = (start: number, end: number, kept: Mark | undefined): Cut =>
  kept ? { start: start + 1, end: kept.at } : { start, end };

const isWithin = (cut: Cut, around: Cut): boolean => cut.start >= around.start && cut.end <= around.end;

/** Keeps two marks. Numbers come in thousands between two marks; then only the second is useful. */
function markLate({ start, members, late }: Open, mark: Mark): void {
  const before = late.at(-1);
  if (isFar(before?.members ?? 0, before?.values ?? start.values, members, mark.values))
    late.push({ ...mark, members });
  const [first, second] = late;
  if (!first || !second) return;
  if (
    isFar(second.members, second.values, members, mark.values) ||
    second.members - first.members > KEPT_MEMBERS * 2
  )
    late.shift();
}

/** Whether enough lies between two positions to drop the first. Takes no objects: it runs for every member. */
const isFar = (members: number, values: number, toMembers: number, toValues: number): boolean =>
  toMembers - members >= KEPT_MEMBERS || toValues - values >= KEPT_VALUES;

const commasBetween = (text: string, from: number, to: number): number =>
  to - from > 1 ? text.slice(from, to).split(',').length - 1 : text[from] === ',' ? 1 : 0;

/** Returns the position after the closing quote, or the end of the text if there is none. */
function endOfText(text: string, quote: number): number {
  for (let at = text.indexOf('"', quote + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text[at - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return at + 1;
  }
  return text.length;
}

function withoutCuts(text: string, cuts: readonly Cut[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end } of cuts.toSorted((one, other) => one.start - other.start)) {
    parts.push(text.slice(at, start), JSON.stringify(LEFT_OUT));
    at = end;
  }
  return [...parts, text.slice(at)].join('');
}
