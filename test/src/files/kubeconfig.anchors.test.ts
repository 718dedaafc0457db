import { describe, expect, test } from 'vitest';
import { type Known, renewKubeconfig } from '../../../src/files/kubeconfig.ts';
import { identityIn } from '../../../src/files/kubeconfig-contents.ts';
import type { Identity } from '../../../src/files/new-kubeconfig.ts';
import { thrownBy } from '../support/outcome-of.ts';

/** Kubeconfigs that embed content once and refer to it twice, and those with tags. */

const PATH = '/etc/kubernetes/admin.conf';
const b64 = (text: string): string => Buffer.from(text).toString('base64');
const pem = (what: string): string => `-----BEGIN ${what}-----\n`;

const identity: Identity = { ca: pem('new CA'), certificate: pem('new certificate'), key: pem('new key') };
const old: Identity = { ca: pem('old CA'), certificate: pem('old certificate'), key: pem('old key') };
const embedded = ({ ca, certificate, key }: Identity): ReturnType<typeof identityIn> => ({
  ca: { pem: ca },
  certificate: { pem: certificate },
  key: { pem: key },
});
const known: Known = {
  ca: (one) => (one === old.ca ? identity.ca : undefined),
  leaf: (one) => (one === old.certificate || one === old.key ? identity : undefined),
};
const nothingKnown: Known = { ca: () => undefined, leaf: () => undefined };

const renew = (text: string, by = known): string =>
  renewKubeconfig(PATH, text, { ca: identity.ca, pair: identity }, by);
const encodings = [b64, (text: string): string => b64(b64(text))];

/** Expected result: the three texts replaced, in either encoding, and every other byte the same. */
const swapped = (text: string): string =>
  encodings.reduce(
    (result, encode) =>
      result
        .replaceAll(encode(old.ca), encode(identity.ca))
        .replaceAll(encode(old.certificate), encode(identity.certificate))
        .replaceAll(encode(old.key), encode(identity.key)),
    text,
  );

const CONTEXT = 'contexts: [{ name: c, context: { cluster: k1, user: admin } }]\ncurrent-context: c\n';
const USER = `client-certificate-data: ${b64(old.certificate)}, client-key-data: ${b64(old.key)}`;
const CA = b64(old.ca);

const NODES = `clusters: # two names for one
- name: k1
  cluster: { certificate-authority-data: &ca "${CA}" }
- name: k2
  cluster: { certificate-authority-data: *ca }
users:
- name: admin
  user: &who
    client-certificate-data: &cert ${b64(old.certificate)}
    client-key-data: &key ${b64(old.key)}
- { name: again, user: { client-certificate-data: *cert, client-key-data: *key } }
- { name: whole, user: *who }
`;

describe('replaces the content of an anchor in place, for all its users', () => {
  test.each([
    ['two uses of each', NODES],
    [
      'held by a key of its own',
      `x-ca: &it ${CA}\nclusters: [{ name: a, cluster: { certificate-authority-data: *it } }]\n`,
    ],
    ['used by something else as well', `${NODES}preferences: { ca: *ca, everything: *who }\n`],
    ['an entry that is an alias', `x: &u { name: a, user: { ${USER} } }\nusers: [*u]\n`],
    ['a list that is an alias', `x: &list [{ name: a, user: { ${USER} } }]\nusers: *list\n`],
    ['merged into an entry', `x: &base { ${USER} }\nusers: [{ name: a, user: { <<: *base, token: t } }]\n`],
    [
      'merged with others',
      `x: &one { a: b }\ny: &two { ${USER} }\nusers: [{ name: a, user: { <<: [*one, *two] } }]\n`,
    ],
  ])('%s', (_, text) => {
    expect(text).not.toBe(swapped(text));
    expect(renew(text)).toBe(swapped(text));
    expect(renew(renew(text))).toBe(swapped(text));
  });

  test('and reads it through its aliases', () => {
    const text = NODES.replace('name: k1', 'name: k0').replace('name: k2', 'name: k1') + CONTEXT;
    expect(identityIn(PATH, text)).toEqual(embedded(old));
  });
});

/** Expects a rejected shared anchor, and returns the message with its position. */
const shared = (text: string, by = known): string => {
  const error = thrownBy(() => renew(text, by));
  expect(error).toMatchObject({ code: 'bad-file', reason: 'shared-anchor' });
  return error.message;
};

describe('rejects, with the position,', () => {
  test('a cluster that must keep the CA that it shares with the current one', () => {
    expect(shared(NODES + CONTEXT, nothingKnown)).toContain(`${PATH}: line 5, column 42: `);
  });

  test('a user with a certificate of its own and the key of another', () => {
    const other = NODES.replace('data: *cert', `data: ${b64(pem('own'))}`);
    expect(shared(other)).toMatch(/^.*: line 11, column \d+: /);
  });

  test('any other alias of content that is not recognized', () => {
    const text = `clusters: [{ name: k1, cluster: { certificate-authority-data: &ca ${CA} } }]\n${CONTEXT}x: *ca\n`;
    expect(shared(text, nothingKnown)).toContain(`${PATH}: line 4, column 4: `);
    expect(renew(text)).toBe(swapped(text));
  });

  test('content that would need two values', () => {
    const text = `users: [{ name: a, user: { client-certificate-data: &x ${b64(old.certificate)}, client-key-data: *x } }]\n`;
    expect(shared(text)).toContain('line 1');
  });
});

describe('replaces content tagged !!binary in its present encoding', () => {
  test.each([
    ['base64 once', b64],
    ['base64 twice, which kubectl requires', (text: string): string => b64(b64(text))],
  ])('%s', (_, encode) => {
    const text = `clusters: [{ name: k1, cluster: { certificate-authority-data: !!binary '${encode(old.ca)}' } }]
users:
- name: admin
  user:
    client-certificate-data: !!binary &c ${encode(old.certificate)}
    client-key-data: !!binary |
      ${encode(old.key)}
${CONTEXT}`;
    const oneLine = text.replace('|\n      ', '');
    expect(renew(text)).toBe(swapped(oneLine));
    expect(renew(text, nothingKnown)).toBe(swapped(oneLine));
    expect(renew(renew(text))).toBe(swapped(oneLine));
    expect(identityIn(PATH, text)).toEqual(embedded(old));
  });
});

test('renews a map that merges itself without hanging', () => {
  const text = 'users: [{ name: a, user: &u { <<: *u, token: t } }]\n';
  expect(renew(text)).toBe(text);
});
