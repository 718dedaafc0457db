import { expect, test } from 'vitest';
import { selectRestart } from '../../../src/operation/restart.ts';

test.each<[unknown, readonly string[] | undefined]>([
  [undefined, undefined],
  ['', undefined],
  [' , ', undefined],
  [[], undefined],
  ['etcd, kubelet.service', ['etcd', 'kubelet']],
  [
    ['kubelet', 'etcd.service', 'kubelet'],
    ['kubelet', 'etcd'],
  ],
])('reads the services %j', (services, units) => {
  expect(selectRestart({ services })).toEqual({ kind: 'restart', units });
});

test.each([7, true, { etcd: true }, ['etcd', 7]])('rejects the services %j', (services) => {
  expect(selectRestart({ services })).toMatchObject({ kind: 'refuse', reason: 'input-not-a-list' });
});
