import { afterAll, beforeAll, expect, test } from 'vitest';
import { BUILT_IN } from '../../src/certificates/choose-layout.ts';
import { issueCertificates } from '../../src/certificates/issue.ts';
import { ROLES } from '../../src/certificates/layout.ts';
import { requestsOf } from '../../src/certificates/request.ts';
import { factsOf } from '../../src/certificates/template.ts';
import { type Doors, openDoors } from '../contract/doors.ts';
import { Coordinates } from '../contract/coordinates.ts';
import * as v from 'valibot';
import { openssl } from '../src/support/openssl.ts';
import { PARAMS } from '../src/support/requests.ts';
import { seed } from './real-cloud.ts';

/** A real Magnum signs every row of every layout, read with openssl. */

let doors: Doors;
beforeAll(async () => {
  doors = openDoors(v.parse(Coordinates, await seed(`layouts-${Date.now().toString(36)}`)));
});
afterAll(() => {
  doors.close();
});

const SWARM = {
  SWARM_NODE_IP: '10.0.0.7',
  SWARM_API_IP: '10.0.0.8',
  API_IP_ADDRESS: '172.24.4.8',
  PUBLIC_IPV4: '172.24.4.7',
};
const values = factsOf(new Map(Object.entries({ ...PARAMS, ...SWARM })), 'host-0');

const NAMES = { digitalSignature: 'Digital Signature', keyEncipherment: 'Key Encipherment' };
const PURPOSES = { clientAuth: 'TLS Web Client Authentication', serverAuth: 'TLS Web Server Authentication' };

const rows = BUILT_IN.flatMap(({ name, roles }) =>
  ROLES.filter((role) => role === 'master' || roles.master !== roles.worker).map(
    (role) => [name, role, roles[role]] as const,
  ),
);

test.each(rows)('%s, %s: keeps subject, names, usages and CA as requested', async (_, __, role) => {
  const { readCa, sign } = doors.magnum;
  const access = await doors.access();
  const requests = requestsOf(role, values);
  // Issuing verifies everything requested, and the CA by its key.
  const { certificates, authorities } = await issueCertificates(
    requests,
    role.authorities.map(({ ca }) => ca),
    'rsa-2048',
    {
      readCa: async (type, believe) => await believe(await readCa(access, type, doors.abort)),
      sign: async (type, csr, believe) => await believe(await sign(access, type, csr, doors.abort)),
      recall: async () => await Promise.resolve(undefined),
      keep: async () => await Promise.resolve(),
      now: Date.now,
      done: () => undefined,
    },
  );
  expect(new Set(authorities.values()).size).toBe(role.authorities.length);
  for (const { name, subject, names, keyUsage, extendedKeyUsage } of requests) {
    const pem = certificates.get(name)?.certificate ?? '';
    const show = async (...what: string[]): Promise<string> =>
      await openssl(['x509', '-noout', ...what], pem);
    const [, ...attributes] = (await show('-subject', '-nameopt', 'sep_multiline,sname,utf8'))
      .trim()
      .split('\n');
    expect(attributes.map((line) => line.trim())).toEqual(subject.map((pair) => pair.join('=')));
    const text = await show('-text');
    const extension = (of: string): string[] =>
      new RegExp(`X509v3 ${of}: *(?:critical)?\\n *(.*)`).exec(text)?.[1]?.trim().split(', ') ?? [];
    expect(extension('Subject Alternative Name').map((one) => one.replace(/^(DNS|IP Address):/, ''))).toEqual(
      names.map((one) => (one === '::1' ? '0:0:0:0:0:0:0:1' : one)),
    );
    expect(extension('Extended Key Usage')).toEqual(extendedKeyUsage.map((usage) => PURPOSES[usage]));
    // Magnum chooses the usage if none is requested.
    if (keyUsage.length > 0) {
      expect(text).toContain('X509v3 Key Usage: critical');
      expect(extension('Key Usage')).toEqual(keyUsage.map((usage) => NAMES[usage]));
    }
  }
});
