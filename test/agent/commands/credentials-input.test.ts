import { expect, test } from 'vitest';
import { readCaOption, readCredentials } from '../../../agent/commands/credentials-input.ts';
import type { Context } from '../../../agent/commands/verb.ts';
import { createSecrets } from '../../../src/base/secrets.ts';
import { agentErrorOf, faultIn } from '../../src/support/outcome-of.ts';
import { tempRoot } from '../../src/support/temp-root.ts';

const USAGE = { code: 'usage', reason: undefined };

/** The context of a verb with this standard input. */
async function contextWith(stdin: string): Promise<Context & { secrets: ReturnType<typeof createSecrets> }> {
  const { disk, root } = await tempRoot();
  const world = {
    argv: [],
    env: {},
    pid: 1,
    stdin: async () => await Promise.resolve(stdin),
    stdout: { write: () => true },
    stderr: { write: () => true },
  };
  return {
    world,
    verb: 'credentials',
    words: [],
    log: Object.assign(() => undefined, { setLevel: () => undefined, setListener: () => undefined }),
    secrets: createSecrets(),
    root,
    disk,
    configPath: '/etc/coe-agent/agent.yaml',
    configIsNamed: false,
    collects: false,
    json: false,
    levelIsGiven: false,
  };
}
const read = async (text: string): Promise<unknown> => await readCredentials('-', await contextWith(text));

test('takes its inputs from heat-params, whatever else they hold', async () => {
  const text = 'CLUSTER_UUID="x"\nTRUSTEE_USER_ID="u"\nTRUSTEE_PASSWORD="geheim-77"\nTRUST_ID="t"\n';
  const context = await contextWith(text);
  expect(await readCredentials('-', context)).toMatchObject({
    trustee_user_id: 'u',
    trustee_password: 'geheim-77',
    trust_id: 't',
  });
  expect(context.secrets.redact('geheim-77')).toBe('***');
});

test.each(['trustee_password: pw\ntrust_id: t\n', '{ "trustee_password": "pw", "trust_id": "t" }'])(
  'takes the names of its inputs as YAML or JSON: %j',
  async (text) => {
    expect(await read(text)).toEqual({ trustee_password: 'pw', trust_id: 't' });
  },
);

test.each(['trustee_pasword: hunter22\n', 'trustee_password: [hunter22]\n', 'hunter22\n', 'a: "hunter22'])(
  'rejects %j without quoting a value',
  async (text) => {
    const error = await agentErrorOf(read(text));
    expect(error.code).toBe('usage');
    expect(error.message).not.toContain('hunter22');
  },
);

test('reads a file only its owner can read; a file of others is not trusted', async () => {
  const { write, at } = await tempRoot();
  const context = await contextWith('');
  await write('/own', 'trust_id: t\n', 0o600);
  await write('/all', 'trust_id: t\n', 0o640);
  expect(await readCredentials(at('/own'), context)).toEqual({ trust_id: 't' });
  expect(await faultIn(readCredentials(at('/all'), context))).toEqual(USAGE);
  expect(await faultIn(readCredentials(at('/none'), context))).toEqual(USAGE);
});

test('--openstack-ca names a file of the caller', async () => {
  const { write, at } = await tempRoot();
  await write('/ca.pem', 'PEM', 0o644);
  expect(await readCaOption({})).toEqual({});
  expect(await readCaOption({ openstackCa: at('/ca.pem') })).toEqual({ openstack_ca: 'PEM' });
  expect(await faultIn(readCaOption({ openstackCa: at('/none') }))).toEqual(USAGE);
});
