import * as v from 'valibot';
import { expect, test } from 'vitest';
import { OwnLayout } from '../../../src/certificates/own-layout.ts';

const ROLE = {
  authorities: [{ ca: 'kubernetes', file: '/k/ca.crt' }],
  certificates: [
    {
      name: 'server',
      ca: 'kubernetes',
      subject: ['CN=a'],
      certificate_file: '/k/a.crt',
      key_file: '/k/a.key',
    },
  ],
};

/** Returns where a layout is wrong. */
const faults = (layout: unknown): string[] => {
  const parsed = v.safeParse(OwnLayout, layout);
  return parsed.success ? [] : parsed.issues.map((issue) => v.getDotPath(issue) ?? '');
};
const layoutOf = (roles: object, more: object = {}): object => ({ name: 'mine', roles, ...more });

test('has one table for every role, or one for each', () => {
  expect(faults(layoutOf({ node: ROLE }))).toEqual([]);
  expect(faults(layoutOf({ master: ROLE, worker: ROLE }))).toEqual([]);
  for (const roles of [{}, { master: ROLE }, { worker: ROLE }, { node: ROLE, worker: ROLE }])
    expect(faults(layoutOf(roles))).toEqual(['roles']);
});

test('names the row of a role whose references do not fit', () => {
  const [server] = ROLE.certificates;
  const certificates = [
    server,
    { ...server, name: 'other', ca: 'etcd', certificate_file: '/k/b.crt', key_file: '/k/b.key' },
  ];
  expect(faults(layoutOf({ master: ROLE, worker: { ...ROLE, certificates } }))).toEqual([
    'roles.worker.certificates.1.ca',
  ]);
});

test('may not have the name that selects a layout automatically', () => {
  expect(faults(layoutOf({ node: ROLE }, { name: 'auto' }))).toEqual(['name']);
});

test('matches no node by itself', () => {
  expect(v.parse(OwnLayout, layoutOf({ node: ROLE }))).toMatchObject({
    evidence: { files: [], params: [] },
    limits: [],
  });
});
