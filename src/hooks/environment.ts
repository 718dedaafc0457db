import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import { pythonJson, pythonStr } from '../base/python.ts';

/** Names and values; a map would lose names like `__proto__`. */
export const Environment = v.array(v.tuple([v.string(), v.string()]));
export type Environment = v.InferOutput<typeof Environment>;

const Inputs = v.array(v.object({ name: v.string(), value: v.optional(v.unknown(), '') }));

/** The agent's own variables that a hook inherits; all others are dropped. */
const HANDED_ON = /^(PATH|HOME|LANG|LANGUAGE|LC_\w+|TZ|(https?|no|all|ftp)_proxy|HEAT_\w+)$/i;

const DEFAULTS = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
};

/** Returns the environment that every hook starts with. */
export const baseEnvironment = (own: Readonly<Record<string, string | undefined>>): Environment =>
  Object.entries({ ...DEFAULTS, ...own }).flatMap(([name, value]) =>
    value !== undefined && HANDED_ON.test(name) ? [[name, value]] : [],
  );

/**
 * Adds a deployment's inputs as variables to a base. As in the predecessor, an input may override any variable, even
 * PATH and LD_PRELOAD: a sender of inputs can also send the script itself.
 *
 * @throws `bad-deployment` if an input cannot be an environment variable
 */
export function environmentOf(inputs: unknown, base: Environment): Environment {
  const environment = new Map(base);
  for (const { name, value } of v.parse(Inputs, inputs)) {
    const text = isObject(value) || Array.isArray(value) ? pythonJson(value) : pythonStr(value);
    // execve(2) would truncate or misread these.
    if (/[=\0]/.test(name) || text.includes('\0'))
      throw new AgentError(
        'bad-deployment',
        `the input ${JSON.stringify(name)} cannot be an environment variable: ${name.includes('=') ? 'its name contains "="' : 'it contains NUL'}`,
      );
    environment.set(name, text);
  }
  return [...environment];
}
