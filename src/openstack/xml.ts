import { DOMParser } from '@xmldom/xmldom';
import { AgentError } from '../base/errors.ts';

/**
 * The texts of the elements within the one at a path of an XML document, by name; of several with the same
 * name the last one counts. Undefined when there is no such element.
 *
 * @throws `bad-answer` for what is no XML, or defines entities of its own
 */
export function textsWithin(
  text: string,
  path: readonly string[],
  what: string,
): ReadonlyMap<string, string> | undefined {
  let element = parse(text, what);
  const [root, ...inner] = path;
  if (element?.nodeName !== root) return undefined;
  for (const name of inner)
    element = [...(element?.children ?? [])].find((one) => one.nodeName === name) ?? null;
  return element
    ? new Map([...element.children].map((one) => [one.nodeName, one.textContent ?? '']))
    : undefined;
}

function parse(text: string, what: string): ReturnType<DOMParser['parseFromString']>['documentElement'] {
  try {
    return new DOMParser({ onError: refuse }).parseFromString(text, 'text/xml').documentElement;
  } catch {
    // The parser's own words quote what it read, which may hold secrets.
    throw new AgentError(
      'bad-answer',
      `${what}: the answer is no XML, or cut or garbled somewhere in its ${text.length} characters`,
    );
  }
}

/** What is only a warning to the parser is no answer of a service either. */
const refuse = (level: string, message: string): void => {
  throw new Error(`${level}: ${message}`);
};
