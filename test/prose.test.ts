import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Checks the measurable part of the documentation's style: valid links and sentence lengths. */

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

describe('sentences', () => {
  test.each(PAGES.filter((page) => page !== 'CHANGELOG.md'))(
    '%s: half have at most 15 words, and one in twenty more than 30',
    (page) => {
      const lengths = sentenceLengths(page).toSorted((a, b) => a - b);
      expect(lengths[Math.floor(lengths.length / 2)] ?? 0).toBeLessThanOrEqual(15);
      expect(lengths.filter((words) => words > 30).length / lengths.length).toBeLessThanOrEqual(0.05);
    },
  );
});
