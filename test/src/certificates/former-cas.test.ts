import { expect, test } from 'vitest';
import { withoutFormerCas } from '../../../src/certificates/former-cas.ts';
import { createClusterCa } from '../../cluster/authority.ts';

const [old, present, another] = ['k1', 'k1', 'site CA'].map((name) => createClusterCa(name).pem);

test('removes a former CA of the cluster, and keeps another CA', () => {
  const held = `${old}${another}${present}`;
  expect(withoutFormerCas(held, present ?? '')).toBe(`${another}${present}`);
});

test('leaves a text without former CAs unchanged', () => {
  const held = `# by hand\n${present}\n\n${another}`;
  expect(withoutFormerCas(held, present ?? '')).toBe(held);
  expect(withoutFormerCas('', present ?? '')).toBe('');
});

test('keeps both CAs of the cluster while both are current', () => {
  const held = `${old}${present}`;
  expect(withoutFormerCas(held, held)).toBe(held);
});
