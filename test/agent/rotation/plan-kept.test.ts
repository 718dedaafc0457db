import { expect, test } from 'vitest';
import { planKept } from '../../../agent/rotation/plan-kept.ts';
import { unitPlan } from '../../fakes/generation.ts';
import { nodeOf } from '../support/node.ts';

const [CA, KEY, GONE] = ['/etc/kubernetes/certs/ca.crt', '/etc/kubernetes/certs/server.key', '/srv/copy.pem'];
const kept = {
  id: 'a',
  runId: 'r',
  at: Date.UTC(2026, 0, 2),
  files: [CA, KEY, GONE].map((path) => ({ path, content: Buffer.from(path), mode: 0o644 })),
};

test("restores every kept file, with the layout's attributes or as a file of root", () => {
  const units = [unitPlan('kubelet')];
  const { kind, check, stage } = planKept(kept, nodeOf('master'), units);
  expect([kind, check]).toEqual(['kept', { do: 'check', paths: [CA, KEY, GONE], units }]);
  expect(stage).toMatchObject({
    do: 'stage-files',
    units,
    lists: [],
    files: [
      // make-cert.sh gives its files to kube:kube_etcd, mode 0440.
      { path: CA, content: Buffer.from(CA), owner: 'kube', group: 'kube_etcd', mode: 0o440 },
      { path: KEY, content: Buffer.from(KEY), owner: 'kube', mode: 0o440 },
      {
        path: GONE,
        content: Buffer.from(GONE),
        owner: 'root',
        group: 'root',
        mode: 0o644,
        directoryMode: 0o755,
      },
    ],
  });
  expect(stage.said.join('\n')).toContain('2026-01-02T00:00:00.000Z');
});
