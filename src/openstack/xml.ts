import { DOMParser } from '@xmldom/xmldom';
import { AgentError } from '../base/errors.ts';

/**
 * Returns the texts of an element's children by name; of several with the same name, the last one. Undefined if the
 * path does not exist.
 *
 * @throws `bad-answer` if the text is not XML, or defines entities
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
    // The parser's own message quotes its input, which may contain secrets.
    throw new AgentError('bad-answer', `the answer is not valid XML (${text.length} characters)`, {
      task: what,
    });
  }
}

/** Rejects a parser's warning too: a service's answer has none. */
const refuse = (level: string, message: string): void => {
  throw new Error(`${level}: ${message}`);
};
