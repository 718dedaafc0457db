import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import type { Change } from '../../src/files/credential-file.ts';
import { changeCredentialFiles } from '../../src/files/credentials.ts';
import { parseHeatParams, requireParams } from '../../src/metadata/heat-params.ts';
import { CREDENTIAL_NAMES, type CredentialsOperation } from '../../src/operation/credentials.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import { passingOver } from '../progress.ts';
import { asTrustee, describeNode, type Node, readNode } from '../node.ts';
import type { NodeIntention } from '../plan/intention.ts';
import { unitsOf } from '../plan/units.ts';
import { throughOwnApi } from '../rotation/workloads-plan.ts';
import { CREDENTIAL_INPUTS, credentialsOf } from './login-of.ts';
import { changeCaBundle } from './openstack-ca.ts';
import { planCredentials } from './plan.ts';
import { RunRecordSchema } from '../plan/run-record.ts';

/**
 * Decides the work of a change of credentials on this node.
 *
 * @returns the node with the new credentials
 * @throws `bad-heat-params` when the node's credentials are incomplete even with the given ones
 */
export async function intendToChangeCredentials(
  { given, openstackCa }: CredentialsOperation,
  hands: Hands,
  abort: AbortSignal,
): Promise<NodeIntention> {
  const { config, disk, secrets } = hands;
  secrets.add(given.trustee_password);
  await refuseIfStuck(hands);
  const now = await readNode(hands);
  const names = CREDENTIAL_NAMES.filter((name) => given[name] !== undefined);
  const params = new Map([
    // These belong to the trustee and are tested as its login.
    ...asTrustee(now.params),
    ...names.map((name) => [CREDENTIAL_INPUTS[name].parameter, given[name] ?? ''] as const),
  ]);
  requireParams(params, REQUIRED, config.heat_params);
  const node = { ...now, params };
  const change: Change = {
    old: credentialsOf(now.params),
    fresh: credentialsOf(params),
    given: names.map((name) => CREDENTIAL_INPUTS[name].key),
  };
  const login = await changeCredentialFiles(
    disk,
    config.heat_params,
    now.layout.credentials,
    change,
    passingOver(hands),
  );
  const { notices } = login;
  const bundle =
    openstackCa === undefined ? undefined : await changeCaBundle(openstackCa, now.layout.credentials, disk);
  if (bundle && !change.fresh.authUrl.startsWith('https:'))
    throw new AgentError(
      'precondition',
      `openstack_ca: ${change.fresh.authUrl} is not https, so the bundle cannot be proven`,
      {
        reason: 'no-tls',
      },
    );
  const files = [...login.files, ...(bundle ? [bundle.file] : [])];
  const readers = new Set([...login.units, ...(bundle?.units ?? [])]);
  const layout = describeNode(node);
  if (files.length === 0)
    return {
      kind: 'nothing',
      reason: 'has-credentials',
      why: [`the node has these credentials already; ${layout}`, ...notices.map(({ text }) => text)].join(
        '\n',
      ),
    };
  const at = await disk.resolve(config.heat_params);
  const heatParams = files.find(({ path }) => path === at);
  if (heatParams) checkReadable(Buffer.from(heatParams.content).toString(), change, config.heat_params);
  const units = await unitsThatRead(readers, node, hands, abort);
  const objects = throughOwnApi(await unitsOf(node, hands, abort), node, config);
  const paths = files.map(({ path }) => path);
  return {
    kind: 'change',
    node,
    plan: planCredentials(node, {
      change: login.files.length > 0 ? change : { ...change, given: [] },
      ...(bundle && { openstackCa }),
      paths,
      units,
      objects,
      notices,
    }),
    why: layout,
  };
}

/**
 * Rejects the change while a rotation is stuck. The stuck rotation keeps copies for a rollback to valid certificates;
 * other work must not discard them.
 */
async function refuseIfStuck({ generations }: Hands): Promise<void> {
  const under = await generations.current();
  if (under?.state === 'stuck' && v.parse(RunRecordSchema, under.run).about !== 'credentials')
    throw new AgentError(
      'precondition',
      'a rotation is stuck between two generations: run "agent rollback", or rotate again, first',
      { reason: 'rotation-stuck' },
    );
}

const REQUIRED = ['CLUSTER_UUID', 'MAGNUM_URL', 'AUTH_URL', 'TRUSTEE_USER_ID', 'TRUSTEE_PASSWORD'];

/** Rejects a value that this program's own parser of heat-params would not read back. */
function checkReadable(text: string, { fresh }: Change, path: string): void {
  const read = credentialsOf(parseHeatParams(text));
  for (const name of CREDENTIAL_NAMES)
    if (read[CREDENTIAL_INPUTS[name].key] !== fresh[CREDENTIAL_INPUTS[name].key])
      throw new AgentError(
        'bad-heat-params',
        `${path}: ${CREDENTIAL_INPUTS[name].parameter} cannot be replaced in its present form: write it as ${CREDENTIAL_INPUTS[name].parameter}="..." on a line of its own`,
        { reason: 'parameter-not-replaceable' },
      );
}

/** Lists the units of the layout in its order, then the others. A node may lack any of those. */
async function unitsThatRead(
  readers: ReadonlySet<string>,
  node: Node,
  hands: Hands,
  abort: AbortSignal,
): Promise<UnitPlan[]> {
  const own = (await unitsOf(node, hands, abort)).filter(({ name }) => readers.has(name));
  const rows = [...readers]
    .filter((unit) => !node.layout.units.some((row) => row.unit === unit))
    .map((unit) => ({ unit, required: false, probe: undefined, health: undefined }));
  const others = await unitsOf({ ...node, layout: { ...node.layout, units: rows } }, hands, abort);
  return [...own, ...others];
}
