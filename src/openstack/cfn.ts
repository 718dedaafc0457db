import { AgentError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import { isObject } from '../base/json.ts';
import type { Secrets } from '../base/secrets.ts';
import { type AccessKey, signedUrl } from './ec2-signature.ts';
import type { Http } from './http.ts';
import { statusError } from './status.ts';

/** A field of a stack's resource, such as the `Metadata` of a server. */
export type ResourceField = { stackName: string; resourceName: string; field: string };

/** The part of Heat's CloudFormation API that polling needs. */
export type Cfn = {
  /** Reads a field with DescribeStackResource; returns JSON text. */
  readField(url: string, of: ResourceField, key: AccessKey, abort: AbortSignal): Promise<string>;
};

export function createCfn({ http, secrets }: { http: Http; secrets: Secrets }): Cfn {
  return {
    readField: async (url, { stackName, resourceName, field }, key, abort) => {
      const what = `reading ${field} of ${resourceName} in stack ${stackName} at ${url}`;
      const params = {
        Action: 'DescribeStackResource',
        StackName: stackName,
        LogicalResourceId: resourceName,
        // Omits ContentType=JSON: with it, Heat reports refusals and failures as status 200 with a traceback.
      };
      secrets.add(key.secret);
      const address = signedUrl(new URL(url), params, key);
      // Without a timestamp the signature never expires, so it must be redacted.
      secrets.addPassing(new URL(address).searchParams.get('Signature') ?? undefined);
      const answer = await http({ what, method: 'GET', url: address, abort });
      if (answer.status !== 200) throw statusError(what, answer);
      const value = (await resourceDetail(answer.text, what)).get(field);
      if (value === undefined)
        throw new AgentError('bad-answer', `the answer has no ${field}`, { task: what });
      return value || '{}';
    },
  };
}

const PATH = ['DescribeStackResourceResponse', 'DescribeStackResourceResult', 'StackResourceDetail'];

/** Returns the answer's fields. In XML, an object is JSON within a text; in JSON, it is an object. */
async function resourceDetail(text: string, what: string): Promise<ReadonlyMap<string, string>> {
  const detail = text.trimStart().startsWith('<') ? await fromXml(text, what) : fromJson(text, what);
  if (!detail)
    throw new AgentError('bad-answer', 'the answer describes no resource', {
      task: what,
      reason: 'no-resource',
    });
  return detail;
}

async function fromXml(text: string, what: string): Promise<ReadonlyMap<string, string> | undefined> {
  const { textsWithin } = await import('./xml.ts');
  return textsWithin(text, PATH, what);
}

function fromJson(text: string, what: string): ReadonlyMap<string, string> | undefined {
  const detail = PATH.reduce<unknown>(
    (inner, name) => (isObject(inner) ? inner[name] : undefined),
    parseExactJson(text, what, 'bad-answer'),
  );
  if (!isObject(detail)) return undefined;
  return new Map(
    Object.entries(detail).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}
