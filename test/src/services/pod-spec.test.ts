import { expect, test } from 'vitest';
import * as v from 'valibot';
import { PodSpec, readsOf, showsFile } from '../../../src/services/pod-spec.ts';

test('finds what a pod mounts, projects, and has in its environment', () => {
  const spec = v.parse(PodSpec, {
    volumes: [
      { name: 'a', secret: { secretName: 'mounted' } },
      { name: 'b', configMap: { name: 'config' } },
      { name: 'c', projected: { sources: [{ secret: { name: 'projected' } }, { serviceAccountToken: {} }] } },
      { name: 'd', hostPath: { path: '/etc/kubernetes', type: 'Directory' } },
      { name: 'e', emptyDir: {} },
    ],
    initContainers: [{ name: 'i', envFrom: [{ configMapRef: { name: 'from' } }] }],
    containers: [
      {
        name: 'x',
        command: ['/bin/x'],
        args: ['--cloud-config=/etc/kubernetes/cloud-config'],
        env: [
          { name: 'A', value: 'plain' },
          { name: 'B', valueFrom: { secretKeyRef: { name: 'variable', key: 'k' } } },
        ],
      },
    ],
  });
  expect(readsOf(spec)).toEqual({
    secrets: new Set(['mounted', 'projected', 'variable']),
    configMaps: new Set(['config', 'from']),
    hostPaths: ['/etc/kubernetes'],
    words: ['/bin/x', '--cloud-config=/etc/kubernetes/cloud-config'],
  });
  expect(readsOf(undefined)).toMatchObject({ hostPaths: [], words: [] });
});

test.each([
  ['/etc/kubernetes', true],
  ['/etc/kubernetes/', true],
  ['/etc/kubernetes/certs', true],
  ['/etc/kubernetes/certs/server.crt', true],
  ['/etc/kubernetes/cert', false],
  ['/etc', false],
  ['/', false],
])('a mount of %s shows a certificate below /etc/kubernetes/certs: %s', (path, wanted) => {
  expect(showsFile(path, '/etc/kubernetes/certs/server.crt')).toBe(wanted);
});
