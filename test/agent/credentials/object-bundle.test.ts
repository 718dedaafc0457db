import { expect, test } from 'vitest';
import { changeBundles, holdsBundle } from '../../../agent/credentials/object-bundle.ts';
import { createRetry } from '../../../src/base/retry.ts';
import { createKubernetesObjects } from '../../../src/services/kubernetes-objects.ts';
import { createKubernetes } from '../../fakes/kubernetes.ts';
import { NEVER, testClock } from '../../src/support/clock.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('finds a bundle whatever white space is around it, and never an empty one', () => {
  const held = {
    data: new Map([
      ['ca.crt', Buffer.from('\nPEM\n\n')],
      ['empty', Buffer.from(' ')],
    ]),
  };
  expect([holdsBundle(held, 'PEM\n'), holdsBundle(held, 'PE'), holdsBundle(held, '')]).toEqual([
    true,
    false,
    false,
  ]);
});

test('replaces every value that is a former bundle, and keeps the others', async () => {
  const api = createKubernetes();
  const put = (name: string, data: Record<string, string>): void => {
    const encoded = Object.entries(data).map(([key, text]) => [key, base64(text)]);
    api.core.put('secrets', 'n', name, { type: 'Opaque', data: Object.fromEntries(encoded) });
  };
  put('ca-bundle', { 'ca.crt': 'OLD\n', older: 'OLDER', note: 'a note' });
  put('other', { 'ca.crt': 'ANOTHER' });
  const retry = createRetry({ clock: testClock(), random: () => 1, onRetry: () => undefined });
  const objects = createKubernetesObjects(api.askAs('system:masters'), retry, {
    baseMs: 1,
    capMs: 1,
    forMs: 1,
  });
  const said = await changeBundles(
    await objects.list('secrets', NEVER),
    ['OLDER', 'OLD'],
    'NEW\n',
    objects,
    NEVER,
  );
  expect(said).toHaveLength(1);
  expect(api.core.find('secrets', 'n', 'ca-bundle')).toMatchObject({
    data: { 'ca.crt': base64('NEW\n'), older: base64('NEW\n'), note: base64('a note') },
  });
  expect(api.core.find('secrets', 'n', 'other')).toMatchObject({ data: { 'ca.crt': base64('ANOTHER') } });
});
