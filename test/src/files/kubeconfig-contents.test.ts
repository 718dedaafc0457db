import { describe, expect, test } from 'vitest';
import { filesNamedIn, identityIn } from '../../../src/files/kubeconfig-contents.ts';

const PATH = '/etc/kubernetes/kubelet-config.yaml';
const b64 = (text: string): string => Buffer.from(text).toString('base64');

/** What Magnum's scripts append with `cat >>`; `run` tells two runs apart. */
const byPath = (run: string, user = 'kubelet'): string => `apiVersion: v1
clusters:
- cluster:
    certificate-authority: /${run}/ca.crt
    server: https://127.0.0.1:6443
  name: kubernetes
contexts:
- context: { cluster: kubernetes, user: ${user} }
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: ${user}
  user:
    as-user-extra: {}
    client-certificate: /${run}/kubelet.crt
    client-key: /${run}/kubelet.key
`;
const embedded = (run: string): string =>
  byPath(run).replaceAll(
    /(certificate-authority|client-certificate|client-key): (\S+)/g,
    (_, key: string, text: string) => `${key}-data: ${b64(text)}`,
  );

const files = (run: string) => ({
  ca: { file: `/${run}/ca.crt` },
  certificate: { file: `/${run}/kubelet.crt` },
  key: { file: `/${run}/kubelet.key` },
});
const pems = (run: string) => ({
  ca: { pem: `/${run}/ca.crt` },
  certificate: { pem: `/${run}/kubelet.crt` },
  key: { pem: `/${run}/kubelet.key` },
});

/** kubectl 1.32: `config view --raw` shows the last of two lists with the same name, and the first of two documents. */
describe('identity that kubectl uses', () => {
  test.each([
    ['of one that names files', byPath('one'), files('one')],
    ['of one that was appended to itself', byPath('one') + byPath('two'), files('two')],
    ['of the same with another user', byPath('one', 'other') + byPath('two'), files('two')],
    ['of the same, embedded', embedded('one') + embedded('two'), pems('two')],
    ['of one with both kinds', byPath('one') + embedded('two'), pems('two')],
    ['of two documents', `${byPath('one')}---\n${byPath('two')}`, files('one')],
    [
      'of one with embedded content beside a path',
      embedded('one').replace('client-key-data', 'client-key: x\n    client-key-data'),
      pems('one'),
    ],
    ['of another file', 'kind: Pod\n', { ca: undefined, certificate: undefined, key: undefined }],
  ])('%s', (_, text, identity) => {
    expect(identityIn(PATH, text)).toEqual(identity);
  });
});

test('returns every file that either copy names', () => {
  expect(filesNamedIn(PATH, byPath('one') + byPath('two'))).toEqual(
    ['one', 'two']
      .map((run) => `/${run}/ca.crt`)
      .concat(['one', 'two'].flatMap((run) => [`/${run}/kubelet.crt`, `/${run}/kubelet.key`])),
  );
});
