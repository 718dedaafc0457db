import { expect, test } from 'vitest';
import { describeFault, type Fault, sentenceOn } from '../../../agent/inspection/fault.ts';

test('names the file once, before all of its faults', () => {
  const faults: Fault[] = [{ code: 'expired' }, { code: 'key-missing', path: '/k.key' }];
  expect(sentenceOn('/k.crt', faults)).toBe(`/k.crt ${faults.map(describeFault).join('; ')}`);
});

test('does not name the file again if the reason why it cannot be read does', () => {
  const unreadable: Fault = { code: 'unreadable', why: '/k.crt: no PEM' };
  expect(sentenceOn('/k.crt', [unreadable])).toBe('/k.crt: no PEM');
  expect(sentenceOn('/k.crt', [unreadable, { code: 'expired' }])).toBe(
    `/k.crt ${describeFault({ code: 'expired' })}; /k.crt: no PEM`,
  );
});
