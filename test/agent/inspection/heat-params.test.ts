import { expect, test } from 'vitest';
import { lookAtLines } from '../../../agent/inspection/heat-params.ts';

const PATH = '/etc/sysconfig/heat-params';

test('reports a value without its closing quote by line and key, and does not show it', () => {
  const found = lookAtLines(PATH, 'A="1"\nTRUSTEE_PASSWORD="geheim\nB=2\n');
  expect(found).toMatchObject([
    { id: 'heat-params', of: PATH, verdict: 'bad', reason: 'unclosed-quote', next: `vi +2 ${PATH}` },
  ]);
  expect(found[0]?.what).toContain('TRUSTEE_PASSWORD');
  expect(JSON.stringify(found)).not.toContain('geheim');
});

test('finds nothing in lines that mean what they seem to', () => {
  expect(lookAtLines(PATH, "A=\"1\"\n# it's a comment\nB='2'\n")).toEqual([]);
});
