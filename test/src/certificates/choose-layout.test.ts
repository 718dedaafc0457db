import { expect, test } from 'vitest';
import { BUILT_IN, chooseLayout, roleOf } from '../../../src/certificates/choose-layout.ts';
import type { Layout } from '../../../src/certificates/layout.ts';
import { SMALL } from '../support/small-layout.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const own = (name: string, evidence: Partial<Layout['evidence']>): Layout => ({
  name,
  description: '',
  evidence: { params: [], files: [], ...evidence },
  limits: [],
  roles: { master: SMALL, worker: SMALL },
});

const choose = async (
  wanted: string,
  layouts: readonly Layout[],
  { params = {}, files = [] }: { params?: Record<string, string>; files?: string[] } = {},
): Promise<string> => {
  const exists = async (path: string): Promise<boolean> => await Promise.resolve(files.includes(path));
  return (await chooseLayout(wanted, layouts, new Map(Object.entries(params)), exists)).layout.name;
};

const BY_FILE = own('by-file', { files: ['/etc/own'] });
const BY_PARAM = own('by-param', { params: ['OWN'] });

test('takes the configured layout, whatever the node has', async () => {
  for (const { name } of BUILT_IN) expect(await choose(name, [BY_FILE], { files: ['/etc/own'] })).toBe(name);
  expect(await choose('by-param', [BY_FILE, BY_PARAM], { files: ['/etc/own'] })).toBe('by-param');
});

test('rejects an unknown layout', async () => {
  expect(await agentErrorOf(choose('another', [BY_FILE]))).toMatchObject({
    code: 'config',
    reason: 'unknown-layout',
  });
});

test('checks heat-params before files, and custom layouts before built-in ones', async () => {
  const node = { params: { OWN: '1' }, files: ['/etc/own'] };
  expect(await choose('auto', [BY_FILE, BY_PARAM], node)).toBe('by-param');
  expect(await choose('auto', [BY_FILE, BY_PARAM], { ...node, params: { OWN: '' } })).toBe('by-file');
  const [swarm] = BUILT_IN;
  const files = [...(swarm?.evidence.files ?? []), '/etc/own'];
  expect(await choose('auto', [BY_FILE], { files })).toBe('by-file');
});

test('gives a node without certificates the layout of make-cert.sh', async () => {
  expect(await choose('auto', [BY_FILE])).toBe('kubernetes-certs');
});

test.each([
  ['master', 'master'],
  ['worker', 'worker'],
  ['gpu-nodes', 'worker'],
  ['', 'worker'],
])('maps the node group %s to the role %s', (group, role) => {
  expect(roleOf(group)).toBe(role);
});
