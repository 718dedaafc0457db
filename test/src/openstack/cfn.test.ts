import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { createCfn } from '../../../src/openstack/cfn.ts';
import { NEVER } from '../support/clock.ts';
import { fakeHttp, type Reply } from '../support/fake-http.ts';
import { fixture, jsonObject, textIn } from '../support/fixtures.ts';
import { agentErrorOf, faultIn } from '../support/outcome-of.ts';

const ENDPOINT = 'http://127.0.0.1:8000/v1/';
const KEY = { id: 'bb41', secret: '81zv0Ed0^WKV' };
const OF = { stackName: 'cfn1', resourceName: 'master-0', field: 'Metadata' };

/** Returns an answer captured from a real Heat. */
function captured(name: string): Reply {
  const all = jsonObject(fixture('cfn-answers.json'));
  const { status, body } = jsonObject(JSON.stringify(all[name]));
  return { status: Number(status), text: String(body) };
}

const read = async (reply: Reply, field = 'Metadata'): Promise<string> =>
  await createCfn({ http: fakeHttp(reply).http, secrets: createSecrets() }).readField(
    ENDPOINT,
    { ...OF, field },
    KEY,
    NEVER,
  );

const xml = (inner: string): Reply => ({
  status: 200,
  text: `<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>${inner}</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>`,
});

test.each(['xml', 'json'])('extracts metadata from a real answer in %s', async (form) => {
  const metadata = jsonObject(await read(captured(form)));
  expect(metadata['deployments']).toEqual([]);
  expect(jsonObject(JSON.stringify(metadata['os-collect-config']))).toMatchObject({
    collectors: ['cfn', 'local'],
    cfn: { stack_name: 'cfn1', path: 'master-0.Metadata' },
  });
  expect(await read(captured(form), 'ResourceStatus')).toBe('CREATE_COMPLETE');
});

test.each([
  ['wrong-secret', 'http-403', 'Sender AccessDenied User is not authorized'],
  ['unknown-stack', 'http-400', 'The Stack (nope) could not be found'],
])("reports an error in Heat's words: %s", async (name, reason, words) => {
  const error = await agentErrorOf(read(captured(name)));
  expect(error).toMatchObject({ code: 'cloud-refused', reason });
  expect(error.message).toContain(words);
});

test('treats an error that Heat sends with status 200 for JSON as malformed', async () => {
  expect(await faultIn(read(captured('json-refused')))).toEqual({
    code: 'bad-answer',
    reason: 'no-resource',
  });
});

test('accepts any character in metadata, and empty metadata', async () => {
  const escaped = '{&quot;a&quot;: &quot;&lt;&amp;&gt; &#233;&#128512;\n&quot;}';
  expect(await read(xml(`<Metadata>${escaped}</Metadata>`))).toBe('{"a": "<&> é😀\n"}');
  expect(await read(xml('<Metadata><![CDATA[{"a": "<b>"}]]></Metadata>'))).toBe('{"a": "<b>"}');
  expect(await read(xml('<Metadata></Metadata>'))).toBe('{}');
  expect(await read(xml('<Metadata/>'))).toBe('{}');
});

test.each([
  ['no field', xml('<Description/>').text ?? ''],
  ['another document', '<ErrorResponse/>'],
  ['half a document', '<DescribeStackResourceResponse><DescribeStackRes'],
  ['an entity of its own', `<!DOCTYPE a [<!ENTITY e "x">]>${xml('<Metadata>&e;</Metadata>').text}`],
  ['nothing', ''],
  ['HTML', '<!DOCTYPE html><html><body><p>maintenance<br></body></html>'],
  ['other JSON', '{"stacks": []}'],
])('rejects %s', async (_what, text) => {
  expect(await agentErrorOf(read({ status: 200, text }))).toMatchObject({ code: 'bad-answer' });
});

test('shows neither the secret nor the signature, which never expires', async () => {
  const secrets = createSecrets();
  const { http, asked } = fakeHttp({ status: 200, text: 'not it' });
  await agentErrorOf(createCfn({ http, secrets }).readField(ENDPOINT, OF, KEY, NEVER));
  const [request] = asked;
  const signature = new URL(request?.url ?? '').searchParams.get('Signature') ?? '';
  expect(signature).toHaveLength(44);
  expect(secrets.redact(`${request?.url} ${signature} ${KEY.secret}`)).not.toMatch(/81zv0|Signature=[^*]/);
  expect(request?.what.endsWith(` ${ENDPOINT}`)).toBe(true);
});

test('maps any answer to a text or an agent error', async () => {
  const real = textIn(jsonObject(JSON.stringify(jsonObject(fixture('cfn-answers.json'))['xml'])), 'body');
  const answers = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json(),
    fc.string().map((text) => xml(`<Metadata>${text}</Metadata>`).text ?? ''),
    fc.nat(real.length).map((end) => real.slice(0, end)),
    fc
      .tuple(fc.nat(real.length - 1), fc.string({ unit: 'binary', maxLength: 3 }))
      .map(([at, put]) => real.slice(0, at) + put + real.slice(at + 1)),
  );
  await fc.assert(
    fc.asyncProperty(answers, async (text) => {
      const result = await read({ status: 200, text }).catch((error: unknown) => error);
      expect(typeof result === 'string' || result instanceof AgentError).toBe(true);
    }),
    { numRuns: 400 },
  );
});

test('reads deeply nested XML, or rejects it as such', async () => {
  const deep = '<a>'.repeat(100_000) + '</a>'.repeat(100_000);
  expect(await read(xml(`${deep}<Metadata>{}</Metadata>`)).catch((error: unknown) => error)).toSatisfy(
    (result) => result === '{}' || result instanceof AgentError,
  );
});
