import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { isObject } from '../base/json.ts';
import { pythonJson, pythonStr } from '../base/python.ts';

/** Names and values: a map would lose names like `__proto__`. */
export const Environment = v.array(v.tuple([v.string(), v.string()]));
export type Environment = v.InferOutput<typeof Environment>;

const Inputs = v.array(v.object({ name: v.string(), value: v.optional(v.unknown(), '') }));

/** What a hook may need of the agent's own environment; the rest of it is nobody's business. */
const HANDED_ON = /^(PATH|HOME|LANG|LANGUAGE|LC_\w+|TZ|(https?|no|all|ftp)_proxy|HEAT_\w+)$/i;

const DEFAULTS = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
};

/** The environment that every hook starts with. */
export const baseEnvironment = (own: Readonly<Record<string, string | undefined>>): Environment =>
  Object.entries({ ...DEFAULTS, ...own }).flatMap(([name, value]) =>
    value !== undefined && HANDED_ON.test(name) ? [[name, value]] : [],
  );

/**
 * A deployment's inputs as variables, over a base. As with the predecessor an input may stand in for any
 * variable, PATH and LD_PRELOAD too: whoever may send inputs may send the script that they are for.
 *
 * @throws `bad-deployment` when an input cannot be in an environment
 */
export function environmentOf(inputs: unknown, base: Environment): Environment {
  const environment = new Map(base);
  for (const { name, value } of v.parse(Inputs, inputs)) {
    const text = isObject(value) || Array.isArray(value) ? pythonJson(value) : pythonStr(value);
    // What execve(2) would cut short or take apart elsewhere.
    if (/[=\0]/.test(name) || text.includes('\0'))
      throw new AgentError(
        'bad-deployment',
        `the input ${JSON.stringify(name)} cannot be in an environment: ${name.includes('=') ? 'a name holds no "="' : 'no NUL can be in there'}`,
      );
    environment.set(name, text);
  }
  return [...environment];
}
