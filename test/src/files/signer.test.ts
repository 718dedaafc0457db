import { expect, test } from 'vitest';
import type { SignerRow } from '../../../src/certificates/layout.ts';
import { signingFilesIn, signingWith } from '../../../src/files/signer.ts';

const CERTS = '/etc/kubernetes/certs';
const [CERTIFICATE, KEY] = [
  `--cluster-signing-cert-file=${CERTS}/ca.crt`,
  `--cluster-signing-key-file=${CERTS}/ca.key`,
];
const BOTH = { certificate: `${CERTS}/ca.crt`, key: `${CERTS}/ca.key` };
const ROW: SignerRow = {
  ca: 'kubelet',
  argumentsFile: '/etc/kubernetes/controller-manager',
  file: { path: `${CERTS}/own.crt`, owner: 'kube', group: 'kube', mode: 0o440, directoryMode: 0o550 },
};

test.each([
  ['as Magnum writes them', `ARGS="--leader-elect=true ${CERTIFICATE} ${KEY}"\n`, BOTH],
  ['with a space', `ARGS="${CERTIFICATE.replace('=', ' ')} ${KEY.replace('=', '  ')}"`, BOTH],
  ['the last one wins', `ARGS='--cluster-signing-cert-file=/x ${CERTIFICATE} ${KEY}'`, BOTH],
  ['not in a comment', ` # ${CERTIFICATE} ${KEY}\nARGS=""\n`, undefined],
  ['not with only one of the two', `ARGS="${CERTIFICATE}"\n`, undefined],
  [
    'not those for a single purpose',
    `ARGS="${CERTIFICATE} --cluster-signing-kubelet-client-key-file=/x"`,
    undefined,
  ],
])('finds the files that kube-controller-manager signs with: %s', (_, text, expected) => {
  expect(signingFilesIn(text)).toEqual(expected);
});

test('replaces one argument, and keeps every other byte', () => {
  const text = (path: string): Buffer =>
    Buffer.concat([
      Buffer.from([0xff, 0x0d, 0x0a]),
      Buffer.from(
        `# ${CERTIFICATE}\nARGS="--root-ca-file=${CERTS}/ca.crt ${KEY} --x --cluster-signing-cert-file=${path} --y"`,
      ),
    ]);
  expect(signingWith(text(`${CERTS}/ca.crt`), `${CERTS}/ca.crt`, ROW)).toEqual(text(`${CERTS}/own.crt`));
  expect(signingWith(text('/another'), `${CERTS}/ca.crt`, ROW)).toEqual(text('/another'));
});
