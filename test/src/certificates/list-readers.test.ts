import { expect, test } from 'vitest';
import type { ListReader } from '../../../src/certificates/layout.ts';
import { READERS } from '../../../src/certificates/list-readers.ts';

const PATH = '/etc/etcd/crl.v1+a.pem';

test.each<[ListReader, string, boolean]>([
  ['etcd', `etcd --client-crl-file=${PATH}`, true],
  ['etcd', `etcd --client-crl-file ${PATH} --x`, true],
  ['etcd', `etcd -client-crl-file="${PATH}"`, true],
  ['etcd', `ETCD_CLIENT_CRL_FILE=${PATH}\n`, true],
  ['etcd', `etcd --client-crl-file=${PATH}.old`, false],
  ['etcd', `etcd --client-crl-file=/etc/etcd/crl-v1+a.pem`, false],
  ['etcd', `etcd --trusted-ca-file=${PATH}`, false],
  ['openssl', `ssl_crl ${PATH};`, true],
  ['openssl', `bind :443 ssl crl-file ${PATH} verify required`, true],
  ['openssl', `{"crl": "${PATH}"}`, true],
  ['openssl', `# other${PATH}`, false],
  ['openssl', `ssl_crl ${PATH}x`, false],
])('finds the list configured in %s: %s (%s)', (reader, text, isNamed) => {
  expect(READERS[reader].names(PATH).test(text)).toBe(isNamed);
});

test.each([
  ['etcd --config-file=/etc/etcd.yaml', true],
  ['ETCD_CONFIG_FILE=/etc/etcd.yaml', true],
  ['etcd --client-crl-file=/x', false],
])("ignores etcd's other options if it has a configuration file: %s (%s)", (text, does) => {
  expect(READERS.etcd.overlooks?.sign.test(text)).toBe(does);
});
