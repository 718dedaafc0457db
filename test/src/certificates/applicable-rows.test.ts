import { expect, test } from 'vitest';
import { applicableRows } from '../../../src/certificates/applicable-rows.ts';
import type { RoleLayout, UnitRow } from '../../../src/certificates/layout.ts';
import { fileAt, SMALL } from '../support/small-layout.ts';

const unit = (name: string, presents: string, as: string): UnitRow => ({
  unit: name,
  required: false,
  probe: { host: '127.0.0.1', port: '1', presents },
  health: { url: 'https://127.0.0.1:1/healthz', as },
});

const [server, admin] = SMALL.certificates;
if (!server || !admin) throw new Error('the small layout has two certificates');

const OPTIONAL: RoleLayout = {
  ...SMALL,
  authorities: [...SMALL.authorities, { ca: 'etcd', file: fileAt('/etc/k/etcd.crt'), optional: true }],
  certificates: [
    { ...server, optional: true },
    { ...admin, optional: true },
  ],
  kubeconfigs: SMALL.kubeconfigs.map((row) => ({ ...row, create: false })),
  units: [unit('api', 'server', 'admin')],
};

/** Returns the names of the rows that apply to a node with these files. */
async function rowsWith(...there: string[]) {
  const rows = await applicableRows(OPTIONAL, async (path) => await Promise.resolve(there.includes(path)));
  const [only] = rows.units;
  return {
    authorities: rows.authorities.map(({ ca }) => ca),
    certificates: rows.certificates.map(({ name }) => name),
    kubeconfigs: rows.kubeconfigs.length,
    presents: only?.probe?.presents,
    as: only?.health?.as,
  };
}

test('keeps optional rows whose files exist, and units refer to no others', async () => {
  const none = {
    authorities: ['kubernetes'],
    certificates: [],
    kubeconfigs: 0,
    presents: undefined,
    as: undefined,
  };
  expect(await rowsWith()).toEqual(none);
  expect(await rowsWith('/etc/k/server.crt', '/etc/k/etcd.crt')).toEqual({
    ...none,
    authorities: ['kubernetes', 'etcd'],
    certificates: ['server'],
    presents: 'server',
  });
});

test('keeps a certificate that only a kubeconfig embeds', async () => {
  expect(await rowsWith('/etc/k/admin.conf')).toMatchObject({
    certificates: ['admin'],
    kubeconfigs: 1,
    as: 'admin',
  });
});

test('keeps every row that is not optional', async () => {
  expect(await applicableRows(SMALL, async () => await Promise.resolve(false))).toEqual(SMALL);
});
