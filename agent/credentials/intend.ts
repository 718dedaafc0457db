import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import type { Change, CredentialSet } from '../../src/files/credential-file.ts';
import { changeCredentialFiles } from '../../src/files/credentials.ts';
import { type HeatParams, parseHeatParams, requireParams } from '../../src/metadata/heat-params.ts';
import type { CredentialName, CredentialsOperation } from '../../src/operation/credentials.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import type { Hands } from '../hands.ts';
import { passingOver } from '../progress.ts';
import { describeNode, type Node, readNode } from '../node.ts';
import type { NodeIntention } from '../plan/intention.ts';
import { unitsOf } from '../plan/units.ts';
import { planCredentials } from './plan.ts';
import { RunRecordSchema } from '../plan/run-record.ts';

/** Maps each input to its key in heat-params and its name in the files. */
export const CREDENTIAL_INPUTS: Readonly<
  Record<CredentialName, { parameter: string; key: keyof CredentialSet }>
> = {
  trustee_user_id: { parameter: 'TRUSTEE_USER_ID', key: 'user' },
  trustee_username: { parameter: 'TRUSTEE_USERNAME', key: 'userName' },
  trustee_domain_id: { parameter: 'TRUSTEE_DOMAIN_ID', key: 'domain' },
  trustee_password: { parameter: 'TRUSTEE_PASSWORD', key: 'password' },
  trust_id: { parameter: 'TRUST_ID', key: 'trust' },
  region_name: { parameter: 'REGION_NAME', key: 'region' },
  auth_url: { parameter: 'AUTH_URL', key: 'authUrl' },
};
const NAMES = [
  'trustee_user_id',
  'trustee_username',
  'trustee_domain_id',
  'trustee_password',
  'trust_id',
  'region_name',
  'auth_url',
] as const;

/**
 * Decides the work of a change of credentials on this node.
 *
 * @returns the node with the new credentials
 * @throws `bad-heat-params` when they are not complete, also with what is given
 */
export async function intendToChangeCredentials(
  { given }: CredentialsOperation,
  hands: Hands,
  abort: AbortSignal,
): Promise<NodeIntention> {
  const { config, disk, secrets } = hands;
  secrets.add(given.trustee_password);
  await refuseIfStuck(hands);
  const now = await readNode(hands);
  const names = NAMES.filter((name) => given[name] !== undefined);
  const params = new Map([
    ...now.params,
    ...names.map((name) => [CREDENTIAL_INPUTS[name].parameter, given[name] ?? ''] as const),
  ]);
  requireParams(params, REQUIRED, config.heat_params);
  const node = { ...now, params };
  const change: Change = {
    old: credentialsOf(now.params),
    fresh: credentialsOf(params),
    given: names.map((name) => CREDENTIAL_INPUTS[name].key),
  };
  const {
    files,
    units: readers,
    notices,
  } = await changeCredentialFiles(
    disk,
    config.heat_params,
    now.layout.credentials,
    change,
    passingOver(hands),
  );
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
  const paths = files.map(({ path }) => path);
  return {
    kind: 'change',
    node,
    plan: planCredentials(node, { change, paths, units, notices }),
    why: layout,
  };
}

/** A stuck rotation keeps the copies for a rollback to valid certificates; other work must not discard them. */
async function refuseIfStuck({ generations }: Hands): Promise<void> {
  const under = await generations.current();
  if (under?.state === 'stuck' && v.parse(RunRecordSchema, under.run).about !== 'credentials')
    throw new AgentError(
      'precondition',
      'a rotation is stuck between two generations: "agent rollback", or another rotation, comes first',
      { reason: 'rotation-stuck' },
    );
}

const REQUIRED = ['CLUSTER_UUID', 'MAGNUM_URL', 'AUTH_URL', 'TRUSTEE_USER_ID', 'TRUSTEE_PASSWORD'];

function credentialsOf(params: HeatParams): CredentialSet {
  const value = (name: CredentialName): string => params.get(CREDENTIAL_INPUTS[name].parameter) ?? '';
  return {
    user: value('trustee_user_id'),
    userName: value('trustee_username'),
    domain: value('trustee_domain_id'),
    password: value('trustee_password'),
    trust: value('trust_id'),
    region: value('region_name'),
    authUrl: value('auth_url'),
  };
}

/** Rejects a value that this program's own parser of heat-params would not read back. */
function checkReadable(text: string, { fresh }: Change, path: string): void {
  const read = credentialsOf(parseHeatParams(text));
  for (const name of NAMES)
    if (read[CREDENTIAL_INPUTS[name].key] !== fresh[CREDENTIAL_INPUTS[name].key])
      throw new AgentError(
        'bad-heat-params',
        `${path}: ${CREDENTIAL_INPUTS[name].parameter} stands there in a way in which it cannot be replaced: write it as ${CREDENTIAL_INPUTS[name].parameter}="..." on a line of its own`,
        { reason: 'parameter-not-replaceable' },
      );
}

/** Those of the layout in its order, then others; a node may be without any of those. */
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
