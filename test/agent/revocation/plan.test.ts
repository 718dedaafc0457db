import { expect, test } from 'vitest';
import { planRevocation } from '../../../agent/revocation/plan.ts';
import { managedFile, unitPlan } from '../../fakes/generation.ts';

test('checks every reader of a list, and restarts only those that do not reread it', () => {
  const [etcd, nginx] = [unitPlan('etcd'), unitPlan('nginx')];
  const files = [managedFile('a', '/a.crl'), managedFile('b', '/b.crl')];
  const lists = [
    { unitPlan: etcd, file: '/a.crl', rereads: true },
    { unitPlan: nginx, file: '/b.crl', rereads: false },
  ];
  expect(planRevocation(files, lists, ['said'])).toEqual({
    kind: 'lists',
    check: { do: 'check', paths: ['/a.crl', '/b.crl'], units: [etcd, nginx] },
    stage: { do: 'stage-files', files, units: [nginx], lists, said: ['said'] },
  });
});
