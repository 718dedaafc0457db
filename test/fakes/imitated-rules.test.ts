import { expect, test } from 'vitest';
import { ownNodeAlone } from './imitated-rules.ts';
import { createKubernetes } from './kubernetes.ts';
import { NEVER } from '../src/support/clock.ts';

test.each([
  ['GET', '/api/v1/nodes/w0', 'system:node:w0', 200],
  ['GET', '/api/v1/nodes?fieldSelector=metadata.name%3Dw0', 'system:node:w0', 200],
  ['GET', '/api/v1/nodes/w1', 'system:node:w0', 403],
  ['GET', '/api/v1/nodes', 'system:node:w0', 403],
  ['GET', '/api/v1/nodes', 'admin', 200],
  ['GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dw0&limit=100', 'system:node:w0', 200],
  ['GET', '/api/v1/pods?fieldSelector=spec.nodeName%3Dw1', 'system:node:w0', 403],
  ['GET', '/api/v1/pods', 'system:node:w0', 403],
] as const)('imitated, Kubernetes 1.32: answers %s %s as %s with %i', async (method, path, user, status) => {
  const kubernetes = createKubernetes();
  kubernetes.instead = ownNodeAlone;
  for (const name of ['w0', 'w1']) kubernetes.core.put('nodes', '', name, {});
  const group = user === 'admin' ? 'system:masters' : 'system:nodes';
  const ask = kubernetes.askAs(group, user);
  expect((await ask({ what: 'asking', method, path, abort: NEVER })).status).toBe(status);
});
