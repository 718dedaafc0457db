import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';
import { describe, expect, test } from 'vitest';

/**
 * Checks the measurable part of the style in CONTRIBUTING.md: valid links, sentence lengths, and words that hide the
 * subject or the action.
 */

const PAGES = [
  ...readdirSync('.').filter((name) => name.endsWith('.md')),
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
  'scripts/heat/README.md',
];

const read = (page: string): string => readFileSync(page, 'utf8').replaceAll(/^```[\s\S]*?^```/gm, '');

/** The anchors that a forge gives to a page's headings: GitHub's rule. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => text);
  const anchors = headings.map((text) =>
    text
      .replaceAll(/[`*]|\]\([^)]*\)|\[/g, '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return new Set(anchors);
}

test.each(PAGES)('every link of %s within the project is valid', (page) => {
  const broken = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor);
    });
  expect(broken).toEqual([]);
});

/** Words of each sentence of running text and lists; tables, headings, code and link targets are left out. */
function sentenceLengths(page: string): number[] {
  const prose = read(page)
    .replaceAll(/<!--[\s\S]*?-->/g, '')
    .replaceAll(/^(\||#|>).*$/gm, '\n')
    .replaceAll(/`[^`]*`/g, 'code')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .replaceAll(/^ *([-*]|\d+\.) /gm, '\n');
  return prose
    .split(/(?<=[.:!?])\s+|\n\s*\n/)
    .map((sentence) => sentence.split(/\s+/).filter((word) => /\w/.test(word)).length)
    .filter((words) => words > 0);
}

/** Limit for the words of one sentence. */
const LONGEST = 40;

describe('sentences', () => {
  test.each(PAGES.filter((page) => page !== 'CHANGELOG.md'))(
    '%s: half have at most 15 words, and one in twenty more than 30',
    (page) => {
      const lengths = sentenceLengths(page).toSorted((a, b) => a - b);
      expect(lengths[Math.floor(lengths.length / 2)] ?? 0).toBeLessThanOrEqual(15);
      expect(lengths.filter((words) => words > 30).length / lengths.length).toBeLessThanOrEqual(0.05);
      expect(lengths.at(-1)).toBeLessThanOrEqual(LONGEST);
    },
  );
});

/** Subjects without an agent, and figurative verbs. The field's own words are in CONTRIBUTING.md. */
const BANNED =
  /\b(?:whoever|nobody|somebody|anybody|anew|in vain|go(?:es)? by|of (?:now|then)|(?:opens|comes to) nothing|(?:come|comes|brought|taken) back|(?:is|are) told of|lets? \S+ in)\b/i;

// CONTRIBUTING.md quotes such words as examples.
test.each(PAGES.filter((page) => page !== 'CONTRIBUTING.md'))('%s names subjects and actions', (page) => {
  const lines = readFileSync(page, 'utf8').split('\n');
  expect(lines.filter((line) => BANNED.test(line))).toEqual([]);
});

const SOURCES = ['agent', 'src', 'scripts'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
);

/** Messages and comments of a source file. A template's expressions become an ellipsis. */
function proseOf(path: string): { messages: string[]; comments: string[] } {
  const messages: string[] = [];
  const { program, comments } = parseSync(path, readFileSync(path, 'utf8'));
  new Visitor({
    Literal: ({ value }) => {
      if (typeof value === 'string') messages.push(value);
    },
    TemplateLiteral: ({ quasis }) => {
      messages.push(quasis.map(({ value }) => value.cooked ?? '').join('…'));
    },
  }).visit(program);
  return {
    messages: messages.filter((text) => /\w \w+ \w/.test(text)),
    comments: comments.map(({ value }) => value.replaceAll(/\s*\n\s*\*?/g, ' ')),
  };
}

/** A help text of Prometheus describes a value. */
const DESCRIBES_VALUES = 'agent/metrics/catalogue.ts';
/** The demo tells a story in sentences. */
const STORY = 'scripts/demo.ts';

describe('messages', () => {
  const messages = SOURCES.flatMap((path) => proseOf(path).messages.map((text) => ({ path, text })));

  test('are found', () => {
    expect(messages.length).toBeGreaterThan(1000);
  });

  test('name subjects and actions', () => {
    expect(messages.filter(({ text }) => BANNED.test(text))).toEqual([]);
  });

  test('begin with the subject, the action or the condition', () => {
    const opening = /^(?:what|who|whom|whose|whoever|where|whether|that|nobody|somebody)\b/i;
    const found = messages.filter(({ path, text }) => path !== DESCRIBES_VALUES && opening.test(text));
    expect(found).toEqual([]);
  });

  test('have no full stop', () => {
    expect(messages.filter(({ path, text }) => path !== STORY && /\w\.$/.test(text))).toEqual([]);
  });
});

test('comments name subjects and actions', () => {
  const comments = SOURCES.flatMap((path) => proseOf(path).comments.map((text) => ({ path, text })));
  expect(comments.length).toBeGreaterThan(1000);
  expect(comments.filter(({ text }) => BANNED.test(text))).toEqual([]);
});
