import { expect, test } from 'vitest';
import { loneReadersOf, readersOf } from '../../../agent/credentials/readers.ts';
import type { HeldObject } from '../../../src/services/kubernetes-objects.ts';
import type { Workload } from '../../../src/services/kubernetes.ts';

const FILE = '/etc/kubernetes/cloud-config-occm';
const object = (kind: HeldObject['kind'], name: string, version = '1'): HeldObject => ({
  kind,
  namespace: 'shop',
  name,
  version,
  data: new Map(),
  lastApplied: undefined,
});
type Spec = NonNullable<Workload['spec']['template']['spec']>;
const workload = (name: string, spec: Spec, namespace = 'shop'): Workload => ({
  kind: 'deployments',
  metadata: { namespace, name, generation: 1 },
  spec: { paused: false, template: { spec } },
  status: {},
});
const ofSecret: Spec = { volumes: [{ secret: { secretName: 'login' } }], containers: [] };
const ofHost: Spec = { volumes: [{ hostPath: { path: '/etc/kubernetes' } }], containers: [] };
const withArgument: Spec = { ...ofHost, containers: [{ args: [`--cloud-config=${FILE}`] }] };

const sources = (objects: HeldObject[], files: string[] = [], id = 'change-1') => ({ objects, files, id });
const namesOf = (...args: Parameters<typeof readersOf>): string[] =>
  readersOf(...args).map(({ workload: { metadata } }) => metadata.name);

test('a workload reads an object of its kind, name and namespace', () => {
  const all = [workload('reader', ofSecret), workload('elsewhere', ofSecret, 'other')];
  expect(namesOf(all, sources([object('secrets', 'login')]))).toEqual(['reader']);
  expect(namesOf(all, sources([object('configmaps', 'login')]))).toEqual([]);
  expect(namesOf(all, sources([object('secrets', 'another')]))).toEqual([]);
});

test('a workload reads a file below a path that it mounts', () => {
  const all = [workload('host', ofHost), workload('none', { containers: [] })];
  expect(namesOf(all, sources([], [FILE]))).toEqual(['host']);
  expect(namesOf(all, sources([], ['/etc/sysconfig/heat-params']))).toEqual([]);
});

test('a workload that takes the file as an argument is replaced first', () => {
  const all = [workload('host', ofHost), workload('occm', withArgument)];
  expect(readersOf(all, sources([], [FILE])).map(({ isFirst }) => isFirst)).toEqual([false, true]);
});

const markOf = (spec: Spec, objects: HeldObject[], id = 'change-1'): string | undefined =>
  readersOf([workload('r', spec)], sources(objects, [FILE], id))[0]?.mark;

test('the mark changes with the version of an object that the workload reads, and with no other', () => {
  const before = markOf(ofSecret, [object('secrets', 'login')]);
  expect(before).toBeDefined();
  expect(markOf(ofSecret, [object('secrets', 'login')])).toBe(before);
  expect(markOf(ofSecret, [object('secrets', 'login'), object('secrets', 'another', '7')])).toBe(before);
  expect(markOf(ofSecret, [object('secrets', 'login', '2')])).not.toBe(before);
});

test('the mark changes with the id of the change only if the workload reads a file', () => {
  const objects = [object('secrets', 'login')];
  expect(markOf(ofSecret, objects, 'b')).toBe(markOf(ofSecret, objects, 'a'));
  expect(markOf(ofHost, objects, 'b')).not.toBe(markOf(ofHost, objects, 'a'));
});

const podOf = (of: string, spec: Spec) => ({ of, namespace: 'shop', spec, startedAt: undefined });

test('several pods of one Job count once', () => {
  const pods = [podOf('job shop/b', ofSecret), podOf('job shop/b', ofSecret), podOf('pod shop/a', ofHost)];
  const found = loneReadersOf(pods, { objects: [object('secrets', 'login')], files: [FILE] });
  expect(found).toEqual(['job shop/b', 'pod shop/a']);
});
