import { readFile, stat } from 'node:fs/promises';
import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import { parseHeatParams } from '../../src/metadata/heat-params.ts';
import { BadConfigFile, describeFault, parseConfigFile } from '../config/yaml.ts';
import { CREDENTIAL_INPUTS } from '../credentials/login-of.ts';
import { type Context, textOption } from './verb.ts';

const optional = v.optional(v.string());
const Inputs = v.strictObject({
  trustee_user_id: optional,
  trustee_username: optional,
  trustee_domain_id: optional,
  trustee_password: optional,
  trust_id: optional,
  region_name: optional,
  auth_url: optional,
  openstack_ca: optional,
});

/** Readable or writable by others than its owner. */
const OTHERS = 0o077;

/**
 * The credentials of a file, or with `-` of standard input: as heat-params have them (other keys there are passed over:
 * it may be all of another node's file), or as YAML or JSON with the names of the inputs. Everybody can read argv.
 *
 * @throws `usage`; the message never holds a value
 */
export async function readCredentials(
  from: string,
  { world, secrets }: Context,
): Promise<Record<string, string | undefined>> {
  const text = await read(from, world.stdin);
  const name = from === '-' ? 'standard input' : from;
  const params = parseHeatParams(text);
  secrets.add(params.get('TRUSTEE_PASSWORD'));
  const inputs = Object.entries(CREDENTIAL_INPUTS).map(
    ([input, { parameter }]) => [input, params.get(parameter)] as const,
  );
  if (inputs.some(([, value]) => value !== undefined)) return Object.fromEntries(inputs);
  return fromYaml(name, text);
}

function fromYaml(name: string, text: string): Record<string, string | undefined> {
  try {
    return v.parse(Inputs, parseConfigFile(name, text, Inputs, { whole: true }));
  } catch (error) {
    if (!(error instanceof BadConfigFile)) throw error;
    const { line, fault } = error;
    const isNeither = fault.kind === 'syntax' || fault.kind === 'not-a-map';
    // The fault quotes no value, the parser's message may.
    const why = isNeither ? 'it is neither like heat-params nor YAML' : describeFault(fault);
    throw new AgentError('usage', `--from: ${name}${line === undefined ? '' : `: line ${line}`}: ${why}`);
  }
}

async function read(from: string, stdin: Context['world']['stdin']): Promise<string> {
  try {
    if (from === '-') return (await stdin?.()) ?? '';
    const info = await stat(from);
    // A pipe, as a shell makes it of <(...), is its own user's.
    if (!info.isFile() || (info.mode & OTHERS) === 0) return await readFile(from, 'utf8');
  } catch (cause) {
    throw new AgentError('usage', `--from: ${from} cannot be read`, { cause });
  }
  throw new AgentError('usage', `--from: ${from} can be read or written by others: chmod 600 ${from}`);
}

/** The CA bundle of `--openstack-ca`: a path of the caller, as that of --from. It is no secret. */
export async function readCaOption(options: Record<string, unknown>): Promise<{ openstack_ca?: string }> {
  const path = textOption(options, 'openstackCa');
  if (path === undefined) return {};
  try {
    return { openstack_ca: await readFile(path, 'utf8') };
  } catch (cause) {
    throw new AgentError('usage', `--openstack-ca: ${path} cannot be read`, { cause });
  }
}
