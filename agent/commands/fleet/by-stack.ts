import * as v from 'valibot';
import { AgentError } from '../../../src/base/errors.ts';
import { isObject } from '../../../src/base/json.ts';
import type { PersonsStack } from '../../compose/person.ts';
import { NamedReport } from '../../inspection/report.ts';
import type { Context } from '../verb.ts';
import type { FleetNode } from './source.ts';

/** Outputs of a stack with this name, or with this prefix and `_`, hold the reports. */
const OUTPUT = 'coe_fleet';

/**
 * Lists the nodes whose reports are in the outputs of a stack, with the caller's own login.
 *
 * @param stack name, id or `name/id`
 * @throws `usage` when the stack has no such output, and the errors of the login and of Heat
 */
export async function listByStack(
  stack: string,
  { world, log, secrets }: Context,
  abort: AbortSignal,
): Promise<FleetNode[]> {
  const { readPersonsStack } = await import('../../compose/person.ts');
  return nodesIn(await readPersonsStack(stack, { env: world.env, log, secrets }, abort));
}

/** Reads the nodes from the outputs of a stack. */
export function nodesIn({ name: stack, outputs }: PersonsStack): FleetNode[] {
  const fleet = outputs.filter(({ name }) => name === OUTPUT || name.startsWith(`${OUTPUT}_`));
  if (fleet.length === 0)
    throw new AgentError(
      'usage',
      `the stack ${stack} has no output ${OUTPUT}: declare the output coe_report in the software config of its deployments, and add "outputs: { ${OUTPUT}: { value: { get_attr: [DEPLOYMENTS, coe_report] } } }" to the template, as in scripts/heat/fleet.yaml`,
      { reason: 'no-fleet-output' },
    );
  return fleet.flatMap(({ name, value, error }) => {
    if (error !== undefined)
      throw new AgentError(
        'bad-answer',
        `Heat has no value for the output ${name} of the stack ${stack}: ${error}`,
        {
          reason: 'output-error',
        },
      );
    return nodesOf(name, value);
  });
}

/**
 * Reads the nodes of one output: the report of a deployment, a list of them, or the map of a group from its names to
 * them.
 */
function nodesOf(output: string, value: unknown): FleetNode[] {
  if (Array.isArray(value)) return value.map((one: unknown, index) => nodeOf(`${output}[${index}]`, one));
  const isMap = isObject(value) && typeof value['version'] !== 'number';
  if (!isMap) return [nodeOf(output, value)];
  // Heat knows which deployment has answered. The name in the report is only the agent's word.
  return Object.entries(value).map(([name, one]) => ({ ...nodeOf(name, one), node: name }));
}

/** @param place names a node without a readable report */
function nodeOf(place: string, value: unknown): FleetNode {
  const parsed = v.safeParse(NamedReport, value);
  if (!parsed.success)
    return {
      node: place,
      role: undefined,
      isReady: true,
      report: value === null ? 'no-report' : 'bad-report',
    };
  const { node, role, ...report } = parsed.output;
  return { node, role, isReady: true, report };
}
