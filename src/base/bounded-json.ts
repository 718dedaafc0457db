/**
 * Bounds on JSON before it is parsed. A value takes up to fifty times the room of its text, and this program runs where
 * memory is bounded (MemoryMax of the unit): whoever can send a list of lists could end it at every start.
 */

/** No list or map has more; nor is any within so many others. */
const MOST_MEMBERS = 10_000;
/** Of a list that is too long so many of its last members stay, up to twice as many; fewer if they are numbers, or large. */
const KEPT_MEMBERS = 64;
const KEPT_VALUES = 1000;
const DEEPEST = 200;
/** In all that is left. */
export const MOST_VALUES = 200_000;

/**
 * Stands in the place of what is beyond these bounds: a list or a map, or the members of a list before its last ones.
 * Heat puts the inputs that say how a deployment is answered last.
 */
export const LEFT_OUT = `[coe-agent left out a list or map: nested too deep (more than ${DEEPEST} levels), or too long (more than ${MOST_MEMBERS} members or values)]`;

/** What begins and ends a list, a map or a text. Commas are counted in between. */
const STRUCTURE = /["[\]{}]/g;

/** A place in the text, and how many of each there were before it. */
type Mark = { at: number; values: number; cuts: number; heavies: number };

type Cut = { start: number; end: number };

/** A list or map that is left out if there are too many values in all, and how many that saves. */
type Heavy = Cut & { saves: number };

/** A list or a map that has begun. */
type Open = {
  start: Mark;
  isList: boolean;
  members: number;
  /** Commas of a list behind which few members have come yet. */
  late: (Mark & { members: number })[];
};

/**
 * JSON text whose lists and maps are within bounds: one that is not is replaced by `LEFT_OUT`, so that it fails alone.
 * Of a list that is too long the last members stay. If there are too many values in all, the innermost lists and maps
 * with more than `MOST_MEMBERS` of them are left out, the largest first.
 *
 * @returns or else why it must not be parsed: its brackets do not match, or it still has too many values in all
 */
export function boundedJson(text: string): { text: string } | { fault: 'garbled' | 'too many values' } {
  const open: Open[] = [];
  const cuts: Cut[] = [];
  const heavies: Heavy[] = [];
  let values = 1;
  /** Levels beyond the deepest that is looked at: there only brackets count. */
  let beyond = 0;
  let last = 0;
  const markAt = (at: number): Mark => ({ at, values, cuts: cuts.length, heavies: heavies.length });
  STRUCTURE.lastIndex = 0;
  // No match objects: this is a long loop for V8's interpreter.
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
        // What was cut within goes with it.
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

/** All of a list or map, or the members of a list before those that are kept. */
const cutOf = (start: number, end: number, kept: Mark | undefined): Cut =>
  kept ? { start: start + 1, end: kept.at } : { start, end };

const isWithin = (cut: Cut, around: Cut): boolean => cut.start >= around.start && cut.end <= around.end;

/** Numbers come by the thousand between two marks: then the second alone is of use. */
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

/** Whether so much lies between two places that it need not be kept. No objects here: it is asked for every member. */
const isFar = (members: number, values: number, toMembers: number, toValues: number): boolean =>
  toMembers - members >= KEPT_MEMBERS || toValues - values >= KEPT_VALUES;

const commasBetween = (text: string, from: number, to: number): number =>
  to - from > 1 ? text.slice(from, to).split(',').length - 1 : text[from] === ',' ? 1 : 0;

/** Behind the quote that ends a text; the end of everything where none does. */
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
