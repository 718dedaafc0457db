import * as v from 'valibot';
import { expect, test } from 'vitest';
import { RoleRows } from '../../../src/certificates/own-layout-rows.ts';

const CERTIFICATE = { name: 'server', ca: 'kubernetes', subject: ['CN=a'] };
const ROLE = { authorities: [{ ca: 'kubernetes', file: '/k/ca.crt' }], certificates: [CERTIFICATE] };
const CRL = { ca: 'kubernetes', file: '/k/crl', unit: 'u' };
const unit = (more: object): object => ({ units: [{ unit: 'u', ...more }] });
const certificate = (more: object): object => ({ certificates: [{ ...CERTIFICATE, ...more }] });
const authority = (file: unknown): object => ({ authorities: [{ ca: 'kubernetes', file }] });

/** Returns where a role is wrong. */
const faults = (change: object): string[] => {
  const parsed = v.safeParse(RoleRows, { ...ROLE, ...change });
  return parsed.success ? [] : parsed.issues.map((issue) => v.getDotPath(issue) ?? '');
};

test.each<[string, object]>([
  [
    'a file with its attributes',
    authority({ path: '/k/ca.crt', owner: 'a', mode: '0640', directory_mode: '755' }),
  ],
  ['a value that contains an equals sign', certificate({ subject: ['CN=a=b', 'O=c'] })],
  ['a port of heat-params', unit({ probe: { port: '{KUBE_API_PORT|6443}', presents: 'server' } })],
  ['an instance of a unit', { units: [{ unit: 'etcd@main.service' }] }],
  ['a list that is read by etcd', { revocation_lists: [{ ...CRL, reader: 'etcd' }] }],
])('accepts %s', (_, change) => {
  expect(faults(change)).toEqual([]);
});

test.each<[string, object, string]>([
  ['no CA', { authorities: [] }, 'authorities'],
  ['no certificate', { certificates: [] }, 'certificates'],
  ['a relative path', authority('ca.crt'), 'authorities.0.file'],
  ['the path of a directory', authority('/k/'), 'authorities.0.file'],
  ['a line feed in a path', authority('/k/ca\n.crt'), 'authorities.0.file'],
  // YAML reads 0644 as a decimal number.
  ['a mode that is a number', authority({ path: '/k/ca.crt', mode: 644 }), 'authorities.0.file.mode'],
  ['a mode that is none', authority({ path: '/k/ca.crt', mode: '0689' }), 'authorities.0.file.mode'],
  [
    'an unknown attribute of a subject',
    certificate({ subject: ['CN=a', 'DC=b'] }),
    'certificates.0.subject.1',
  ],
  ['an empty value of a subject', certificate({ subject: ['CN='] }), 'certificates.0.subject.0'],
  ['an empty subject', certificate({ subject: [] }), 'certificates.0.subject'],
  ['an unknown key', certificate({ key: '/k' }), 'certificates.0.key'],
  ['a port out of range', unit({ probe: { port: 65_536, presents: 'a' } }), 'units.0.probe.port'],
  ['a health check without HTTP', unit({ health: { url: 'tcp://x' } }), 'units.0.health.url'],
  ['a unit that is an option', { units: [{ unit: '--now' }] }, 'units.0.unit'],
  ['an unknown reader', { revocation_lists: [{ ...CRL, reader: 'x' }] }, 'revocation_lists.0.reader'],
])('rejects %s', (_, change, path) => {
  expect(faults(change)).toEqual([path]);
});
