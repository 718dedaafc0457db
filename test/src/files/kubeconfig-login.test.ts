import { expect, test } from 'vitest';
import { loginIn } from '../../../src/files/kubeconfig-login.ts';
import { agentErrorOf } from '../support/outcome-of.ts';

const kubeconfig = (user: string): string => `
current-context: c
contexts: [{ name: c, context: { cluster: k, user: u } }]
clusters: [{ name: k, cluster: { server: https://10.0.0.5:6443 } }]
users: [{ name: other, user: { token: another } }, { name: u, user: ${user} }]
`;
const login = (user: string) => loginIn('/home/me/.kube/config', kubeconfig(user));

const V1 = 'client.authentication.k8s.io/v1';

test('returns the token of the current context', () => {
  expect(login('{ token: abc }')).toEqual({ token: 'abc', tokenFile: undefined, exec: undefined });
});

// clientcmd.GetAuthInfoFileReferences
test('resolves a token file and a command with a slash against the directory of the kubeconfig', () => {
  expect(login('{ tokenFile: tokens/mine }').tokenFile).toBe('/home/me/.kube/tokens/mine');
  expect(login(`{ exec: { apiVersion: ${V1}, command: ../login } }`).exec?.command).toBe('/home/me/login');
  expect(login(`{ exec: { apiVersion: ${V1}, command: login } }`).exec?.command).toBe('login');
});

test('returns arguments and environment of a plugin', () => {
  const exec = `{ apiVersion: ${V1}beta1, command: p, args: [a, b c], env: [{ name: N, value: v }], installHint: get it, provideClusterInfo: true }`;
  expect(login(`{ exec: ${exec} }`).exec).toEqual({
    apiVersion: `${V1}beta1`,
    command: 'p',
    args: ['a', 'b c'],
    env: [{ name: 'N', value: 'v' }],
    interactiveMode: 'IfAvailable',
    provideClusterInfo: true,
    installHint: 'get it',
  });
});

test.each([
  ['of a version that is gone', `{ apiVersion: ${V1}alpha1, command: p }`, 'exec-unusable'],
  ['without a command', `{ apiVersion: ${V1} }`, 'exec-unusable'],
  ['that needs a terminal', `{ apiVersion: ${V1}, command: p, interactiveMode: Always }`, 'exec-interactive'],
])('rejects a plugin %s', async (_, exec, reason) => {
  const error = await agentErrorOf(Promise.resolve().then(() => login(`{ exec: ${exec} }`)));
  expect(error).toMatchObject({ code: 'usage', reason });
});
