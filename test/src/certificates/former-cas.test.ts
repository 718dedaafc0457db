import { expect, test } from 'vitest';
import { withoutFormerCas } from '../../../src/certificates/former-cas.ts';
import { createClusterCa } from '../../cluster/authority.ts';

const [old, present, another] = ['k1', 'k1', 'site CA'].map((name) => createClusterCa(name).pem);

test('a CA with the subject of a present one goes, one of somebody else stays', () => {
  const held = `${old}${another}${present}`;
  expect(withoutFormerCas(held, present ?? '')).toBe(`${another}${present}`);
});

test('a text that holds no former CA stays as it is written', () => {
  const held = `# by hand\n${present}\n\n${another}`;
  expect(withoutFormerCas(held, present ?? '')).toBe(held);
  expect(withoutFormerCas('', present ?? '')).toBe('');
});

test('while two CAs of the cluster are present both stay', () => {
  const held = `${old}${present}`;
  expect(withoutFormerCas(held, held)).toBe(held);
});
