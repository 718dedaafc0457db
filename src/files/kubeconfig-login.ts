import { dirname, resolve, sep } from 'node:path';
import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { describeIssues } from '../base/issue.ts';
import { currentContext, isCurrent } from './kubeconfig-contents.ts';
import { documentsOf, textOf } from './kubeconfig-document.ts';

/** The user field `exec` (https://kubernetes.io/docs/reference/access-authn-authz/authentication). */
const Exec = v.object({
  apiVersion: v.picklist(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']),
  command: v.pipe(v.string(), v.nonEmpty()),
  args: v.nullish(v.array(v.string()), []),
  env: v.nullish(v.array(v.object({ name: v.string(), value: v.string() })), []),
  interactiveMode: v.nullish(v.picklist(['Never', 'IfAvailable', 'Always']), 'IfAvailable'),
  provideClusterInfo: v.nullish(v.boolean(), false),
  installHint: v.nullish(v.string(), ''),
});

/** A program that returns the credential of a user. */
export type ExecPlugin = v.InferOutput<typeof Exec>;

/** The login of a kubeconfig's user besides a client certificate. Paths are absolute. */
export type KubeconfigLogin = {
  token: string | undefined;
  tokenFile: string | undefined;
  exec: ExecPlugin | undefined;
};

/**
 * Returns the login of the current context.
 *
 * @throws `usage` for an `exec` that cannot be run here; as `entriesOf` for a file that is not YAML
 */
export function loginIn(path: string, text: string): KubeconfigLogin {
  const [document] = documentsOf(path, text);
  const current = document && currentContext(document);
  const user = document?.entries('users', 'user').findLast(({ name }) => isCurrent(name, current?.user));
  const textIn = (key: string): string | undefined => {
    const found = user?.field(key);
    return found && textOf(found.scalar);
  };
  const tokenFile = textIn('tokenFile');
  const exec = user?.value('exec');
  return {
    token: textIn('token'),
    tokenFile: tokenFile === undefined ? undefined : resolve(dirname(path), tokenFile),
    exec: exec === undefined || exec === null ? undefined : pluginIn(path, exec),
  };
}

function pluginIn(path: string, written: unknown): ExecPlugin {
  const parsed = v.safeParse(Exec, written);
  if (!parsed.success)
    throw new AgentError('usage', `${path}: exec: ${describeIssues(parsed.issues)}`, {
      reason: 'exec-unusable',
    });
  const { command, interactiveMode } = parsed.output;
  if (interactiveMode === 'Always')
    throw new AgentError('usage', `${path}: exec: ${command} needs a terminal (interactiveMode: Always)`, {
      reason: 'exec-interactive',
    });
  // kubectl: a command with a slash is relative to the kubeconfig, any other is searched in PATH.
  return { ...parsed.output, command: command.includes(sep) ? resolve(dirname(path), command) : command };
}
