import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { identityIn } from '../../../src/files/kubeconfig-contents.ts';
import { newKubeconfig } from '../../../src/files/new-kubeconfig.ts';

const text = fc.string({ minLength: 1, maxLength: 20 });
const names = fc.record({ cluster: text, user: text, server: text });
const identity = fc.record({ ca: text, certificate: text, key: text });

test('contains the given values, whatever their characters', () => {
  fc.assert(
    fc.property(identity, names, (given, called) => {
      const content = newKubeconfig(given, called);
      expect(identityIn('x', content)).toEqual({
        ca: { pem: given.ca },
        certificate: { pem: given.certificate },
        key: { pem: given.key },
      });
      expect(parse(content)).toMatchObject({
        clusters: [{ name: called.cluster, cluster: { server: called.server } }],
        users: [{ name: called.user }],
        contexts: [{ context: { cluster: called.cluster, user: called.user } }],
        'current-context': `${called.user}@${called.cluster}`,
      });
    }),
  );
});

test('names the files of a certificate and its key instead of embedding them', () => {
  const names = { cluster: 'k1', user: 'kubelet', server: 'https://10.0.0.9:6443' };
  const content = newKubeconfig({ ca: 'CA', certificate: 'C', key: 'K' }, names, {
    certificate: '/etc/k/a b.crt',
    key: '/etc/k/a.key',
  });
  expect(identityIn('x', content)).toEqual({
    ca: { pem: 'CA' },
    certificate: { file: '/etc/k/a b.crt' },
    key: { file: '/etc/k/a.key' },
  });
});
