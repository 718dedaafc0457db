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

/** Mode bits that let other users read or write. */
const OTHERS = 0o077;

/**
 * Reads credentials from a file, or with `-` from standard input: argv is readable by every user. The format is either
 * heat-params, or YAML or JSON with the names of the inputs. Other keys of heat-params are ignored, so the file may be
 * copied whole from another node.
 *
 * @throws `usage`; the message never contains a value
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
    // The fault quotes no value; the parser's message may.
    const why = isNeither ? 'it is neither like heat-params nor YAML' : describeFault(fault);
    throw new AgentError('usage', `--from: ${name}${line === undefined ? '' : `: line ${line}`}: ${why}`);
  }
}

async function read(from: string, stdin: Context['world']['stdin']): Promise<string> {
  try {
    if (from === '-') return (await stdin?.()) ?? '';
    const info = await stat(from);
    // A pipe, such as a shell creates for <(...), belongs to its own user.
    if (!info.isFile() || (info.mode & OTHERS) === 0) return await readFile(from, 'utf8');
  } catch (cause) {
    throw new AgentError('usage', `--from: ${from} cannot be read`, { cause });
  }
  throw new AgentError('usage', `--from: ${from} can be read or written by others: chmod 600 ${from}`);
}

/** Reads the CA bundle of `--openstack-ca`, a path of the caller like that of --from. It is not secret. */
export async function readCaOption(options: Record<string, unknown>): Promise<{ openstack_ca?: string }> {
  const path = textOption(options, 'openstackCa');
  if (path === undefined) return {};
  try {
    return { openstack_ca: await readFile(path, 'utf8') };
  } catch (cause) {
    throw new AgentError('usage', `--openstack-ca: ${path} cannot be read`, { cause });
  }
}
