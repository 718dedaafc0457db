import { AgentError, codeOf, explain } from '../../src/base/errors.ts';
import { NEVER } from '../../src/base/clock.ts';
import type { Finding } from '../inspection/finding.ts';
import { findLoginFiles, type LoginPlace, readKnownLogins } from '../inspection/login-places.ts';
import { findLoginObjects, type LoginObjects } from '../inspection/login-objects.ts';
import { lookAtRoles, lookAtTrustee } from '../inspection/trust.ts';
import type { Hands } from '../hands.ts';
import { kindOfLogin, type Node, ownLoginOf, readNode } from '../node.ts';
import { EXIT } from './exit-code.ts';
import { writeJson } from './json-answer.ts';
import { table } from './table.ts';
import { createTerminal } from './terminal.ts';
import { type Context, openHands } from './verb.ts';

/** The roles of the trust. `problem`: why Keystone could not be asked. */
type Roles = { roles?: readonly string[]; finding?: Finding; problem?: AgentError };

/**
 * Shows every place that holds a login to OpenStack, on this node and in the Kubernetes API, and the roles that the
 * trust delegates.
 */
export async function showWhere(context: Context): Promise<typeof EXIT.done> {
  const hands = await openHands(context, () => undefined);
  try {
    const node = await readNode(hands);
    const known = await readKnownLogins(node, hands);
    const files = await findLoginFiles(node, known, hands);
    const objects = await findLoginObjects(node, known, filesForPods(node, files), hands, NEVER);
    const roles = await askRoles(node, hands);
    if (context.json) tellJson(files, objects, roles, context);
    else await tellText(files, objects, roles, context);
    return EXIT.done;
  } finally {
    hands.close();
  }
}

/** Lists the node's files that pods may mount: its logins and its certificates. */
const filesForPods = ({ layout }: Node, places: readonly LoginPlace[]): string[] => [
  ...places.map(({ of }) => of),
  ...layout.authorities.map(({ file }) => file.path),
  ...layout.certificates.flatMap(({ files }) => (files ? [files.certificate.path, files.key.path] : [])),
];

async function askRoles({ params }: Node, hands: Hands): Promise<Roles> {
  const [login, kind] = [ownLoginOf(params), kindOfLogin(params)];
  try {
    const cluster = await hands.openCluster(params, undefined, NEVER, { patient: false });
    const roles = await cluster.roles();
    return { roles, finding: kind === 'trustee' ? lookAtTrustee(login) : lookAtRoles(kind, roles) };
  } catch (error) {
    if (!(error instanceof AgentError) || codeOf(error) === 'aborted') throw error;
    return { problem: error };
  }
}

function tellJson(
  files: readonly LoginPlace[],
  objects: LoginObjects,
  { roles, finding, problem }: Roles,
  context: Context,
): void {
  writeJson(context, 'credentials-where', {
    places: [...files, ...(objects.api === 'answers' ? objects.places : [])],
    api: objects.api,
    why: objects.api === 'silent' ? objects.why : undefined,
    hostPaths: objects.api === 'answers' ? objects.hostPaths : [],
    lonePods: objects.api === 'answers' ? [...objects.lonePods] : [],
    roles: roles ?? null,
    warning: finding?.verdict === 'warning' ? { code: finding.reason ?? '', text: finding.what } : undefined,
    problem: problem && { code: problem.code, reason: problem.reason, message: explain(problem) },
  });
}

const COLUMNS = { PLACE: 0, LOGIN: 0, USER: 2, TRUST: 3, 'READ BY': 1 };

async function tellText(
  files: readonly LoginPlace[],
  objects: LoginObjects,
  { finding, problem }: Roles,
  { world, secrets }: Context,
): Promise<void> {
  const { line } = createTerminal(world.stdout, secrets);
  const places = [...files, ...(objects.api === 'answers' ? objects.places : [])];
  const rows = places.map(({ kind, of, whose, user, trust, readers }) => [
    kind === 'file' ? of : `${kind} ${of}`,
    WHOSE[whose],
    user ?? '-',
    trust ?? '-',
    readers.join(', ') || '-',
  ]);
  line((await table(COLUMNS, rows, world.stdout)).text);
  if (objects.api === 'silent') line(`the Kubernetes API has not been searched: ${objects.why}`);
  if (objects.api === 'no-master')
    line(
      'the Kubernetes API has not been searched: only a master whose layout has an API server may search it',
    );
  if (objects.api === 'answers')
    for (const { workload, paths } of objects.hostPaths)
      line(`the pods of ${workload} mount ${paths.join(', ')} of their node`);
  if (objects.api === 'answers')
    for (const of of objects.lonePods)
      line(`${of} reads a login or certificates, and nothing replaces it after a change`);
  if (finding) line(finding.verdict === 'warning' ? `warning: ${finding.what}` : finding.what);
  if (problem) line(`the roles of the trust are unknown: ${explain(problem)}`);
}

const WHOSE: Readonly<Record<LoginPlace['whose'], string>> = {
  node: "this node's",
  former: 'the former one',
  another: "another user's",
  unknown: 'not understood',
};
