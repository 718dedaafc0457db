import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Known, renewKubeconfig } from '../../../src/files/kubeconfig.ts';
import { type Identity, newKubeconfig } from '../../../src/files/new-kubeconfig.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { thrownBy, valueOrAgentError } from '../support/outcome-of.ts';

const PATH = '/etc/kubernetes/admin.conf';
const b64 = (text: string): string => Buffer.from(text).toString('base64');

const identity: Identity = { ca: 'new CA\n', certificate: 'new certificate\n', key: 'new key\n' };
const [NEW_CA, NEW_CERT, NEW_KEY] = [b64(identity.ca), b64(identity.certificate), b64(identity.key)];
const [OLD_CA, OLD_CERT, OLD_KEY] = [b64('old CA\n'), b64('old certificate\n'), b64('old key\n')];

const known: Known = {
  ca: (pem) => (pem === 'old CA\n' ? identity.ca : undefined),
  leaf: (pem) => (/^old (certificate|key)\n$/.test(pem) ? identity : undefined),
};
const nothingKnown: Known = { ca: () => undefined, leaf: () => undefined };

const renew = (text: string, by = known): string =>
  renewKubeconfig(PATH, text, { ca: identity.ca, pair: identity }, by);
/** Expected result: the three texts replaced and every other byte the same. */
const swapped = (text: string): string =>
  text.replaceAll(OLD_CA, NEW_CA).replaceAll(OLD_CERT, NEW_CERT).replaceAll(OLD_KEY, NEW_KEY);

const users = (...list: [string, string, string][]): string =>
  list
    .map(
      ([name, cert, key]) =>
        `- name: ${name}\n  user: { client-certificate-data: ${cert}, client-key-data: ${key} }\n`,
    )
    .join('');

const quoted = (text: string): fc.Arbitrary<string> => fc.constantFrom(text, `"${text}"`, `'${text}'`);

const ADMIN = `# made by hand
apiVersion: v1
kind: Config
clusters:
- name: k1   # the cluster
  cluster:
    certificate-authority-data: ${OLD_CA}
    server: https://10.0.0.9:6443

contexts:
- context: { cluster: k1, user: admin }
  name: default
current-context: default
preferences: {}
users:
- name: admin
  user:
    client-certificate-data: "${OLD_CERT}"
    client-key-data: '${OLD_KEY}'
`;

test('changes only the base64: comments, order, quotes and blank lines stay', () => {
  expect(renew(ADMIN)).toBe(swapped(ADMIN));
  expect(renew(ADMIN)).not.toContain(OLD_KEY);
});

test('changes nothing the second time', () => {
  expect(renew(renew(ADMIN))).toBe(renew(ADMIN));
});

test.each<[string, (text: string) => string]>([
  ['Windows line ends', (text) => text.replaceAll('\n', '\r\n')],
  ['a byte order mark', (text) => `\uFEFF${text}`],
  ['no line end at the end', (text) => text.trimEnd()],
  ['a document start and end', (text) => `%YAML 1.2\n---\n${text}...\n`],
  ['two documents, as made by appending', (text) => `${text}---\n${text}`],
  ['every key twice, as in a file that was appended to itself', (text) => text + text],
  ['every key three times', (text) => text + text + text],
  ['the keys of an older generation first', (text) => text.replaceAll('old', 'older') + text],
  ['text beyond ASCII before it', (text) => `# 鍵 😀 ü\n${text}`],
  [
    'anchors on the values',
    (text) => text.replace('data: ', 'data: &ca ').replace('key-data: ', 'key-data: &key '),
  ],
  ['tags on the values', (text) => text.replace('data: ', 'data: !!str ')],
  ['comments behind the values', (text) => text.replace(OLD_CA, `${OLD_CA} # CA`)],
  [
    'an unknown key',
    (text) => text.replace('preferences: {}', 'extensions: [{ name: x, extension: { client-key-data: y } }]'),
  ],
])('changes only the base64 with %s', (_, change) => {
  const text = change(ADMIN);
  expect(text).toContain(OLD_CA);
  expect(renew(text)).toBe(swapped(text));
});

test.each([undefined, 2, '\t'])('renews JSON indented with %j', (indent) => {
  const text = JSON.stringify(parse(ADMIN), undefined, indent);
  expect(renew(text)).toBe(swapped(text));
});

test.each(['|', '|-', '>-', '>', '|2-', '|+'])(
  'writes a block scalar (%s) as one line, and keeps the rest',
  (header) => {
    const block = `${header}\n      ${OLD_CA.slice(0, 4)}\n      ${OLD_CA.slice(4)}`.replace(
      '|2-\n',
      '|2-\n',
    );
    const text = ADMIN.replace(OLD_CA, header.startsWith('>') ? `${header}\n      ${OLD_CA}` : block);
    const renewed = renew(text, nothingKnown);
    expect(renewed).toBe(swapped(ADMIN));
  },
);

test('edits an anchor in place that another entry refers to', () => {
  const text = ADMIN.replace('  cluster:\n', '  cluster: &one\n').replace(
    'contexts:',
    '- { name: k2, cluster: *one }\ncontexts:',
  );
  expect(renew(text)).toBe(swapped(text));
});

describe('replaces', () => {
  const config = (extra: string, current = 'current-context: default\n'): string =>
    `clusters:\n- { name: k1, cluster: { certificate-authority-data: ${b64('CA x')} } }\n- { name: k2, cluster: { certificate-authority-data: ${b64('CA y')} } }\n` +
    `contexts:\n- { name: default, context: { cluster: k1, user: me } }\n${current}users:\n${extra}`;
  const me: [string, string, string] = ['me', b64('cert m'), b64('key m')];
  const you: [string, string, string] = ['you', b64('cert y'), b64('key y')];

  test('everything of the current context, even unrecognized, and nothing of others', () => {
    const renewed = renew(config(users(me, you)), nothingKnown);
    expect(renewed).toBe(config(users(['me', NEW_CERT, NEW_KEY], you)).replace(b64('CA x'), NEW_CA));
  });

  test('recognized content in any entry', () => {
    const text = config(users(me, ['you', OLD_CERT, OLD_KEY])).replace(b64('CA y'), OLD_CA);
    const renewed = renew(text);
    expect(renewed).toContain(`- { name: k2, cluster: { certificate-authority-data: ${NEW_CA} } }`);
    expect(renewed).toContain(users(['you', NEW_CERT, NEW_KEY]));
  });

  test('no certificate without its key or with another key', () => {
    for (const [certificate, key] of [
      [OLD_CERT, b64('no key of ours')],
      [b64('another certificate'), OLD_KEY],
    ] as const) {
      const text = config(users(me, ['you', certificate, key]));
      expect(renew(text)).toContain(users(['you', certificate, key]));
    }
  });

  test('only recognized content without a current context, and not entries without a name', () => {
    const nameless = config(users(me)).replaceAll(/name: (k1|k2|me)/g, 'nam: 7');
    for (const text of [
      nameless.replace(/current-context.*\n/, ''),
      nameless.replace('current-context: default', 'current-context: 7'),
    ])
      expect(renew(text)).toBe(text);
  });

  test('a certificate and its key only together', () => {
    for (const text of [
      config(users(me)).replace(/, client-key-data: \S+ /, ' '),
      config(users(me)).replace(/client-certificate-data: \S+, /, ''),
      config(users(me)).replace(/client-certificate-data: \S+,/, 'client-certificate: /etc/x.crt,'),
    ])
      expect(renew(text, nothingKnown)).toBe(text.replace(b64('CA x'), NEW_CA));
  });

  test('no entries that name files', () => {
    const text = `clusters:
- name: k1
  cluster: { certificate-authority: /etc/kubernetes/certs/ca.crt, server: "https://x" }
contexts:
- { name: default, context: { cluster: k1, user: me } }
current-context: default
users:
- { name: me, user: { client-certificate: /etc/kubernetes/certs/admin.crt, client-key: /etc/kubernetes/certs/admin.key } }
`;
    expect(renew(text)).toBe(text);
  });

  test('recognized content in each copy of a file that was appended to itself', () => {
    const other = ADMIN.replaceAll('k1', 'k2').replaceAll('admin', 'root');
    expect(renew(other + ADMIN)).toBe(swapped(other + ADMIN));
    expect(renew(other + ADMIN, nothingKnown)).toBe(other + swapped(ADMIN));
  });

  test('nothing in other files', () => {
    for (const text of [
      '',
      '\n',
      '# only a comment\n',
      '[]',
      'text',
      '7',
      'null',
      'clusters: 7\nusers: {a: 1}\n',
      'clusters: [1, {}, {cluster: 3}]',
    ])
      expect(renew(text)).toBe(text);
  });
});

test.each([
  ['a: b: c\n', 'line 1, column '],
  ['ok: 1\nx: [1, 2\n', 'line 3, column '],
])('rejects invalid YAML with its position: %j', (text, place) => {
  const error = thrownBy(() => renew(text));
  expect(error).toMatchObject({ code: 'bad-file', reason: 'not-yaml' });
  expect(error.message).toContain(`${PATH}: ${place}`);
});

test('renews or rejects any text, and returns a text without replaceable content unchanged', () => {
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'clusters:',
      '- name: k1',
      '  cluster:',
      '    certificate-authority-data: |',
      '      x',
      'users: *a',
      'a: &a 1',
      '---',
      '? x',
      '{',
      ']',
      '!!binary x',
      '%YAML 9',
    ),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const text = lines.join('\n');
      const result = valueOrAgentError(() => renew(text, nothingKnown));
      if (result instanceof AgentError) expect(result.code).toBe('bad-file');
      else if (!/current-context/.test(text)) expect(result).toBe(text);
    }),
  );
});

test('keeps all other bytes of any kubeconfig, however written', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
  const filler = fc.constantFrom('', '# comment\n', '\n', 'x-extra: [1, "two"]\n');
  fc.assert(
    fc.property(
      fc.record({
        a: name,
        ca: quoted(OLD_CA),
        cert: quoted(OLD_CERT),
        key: quoted(OLD_KEY),
        top: filler,
        end: filler,
        indent: fc.constantFrom('', '  '),
        eol: fc.constantFrom('\n', '\r\n'),
      }),
      ({ a, ca, cert, key, top, end, indent, eol }) => {
        const text = `${top}users:
${indent}- user:
${indent}    client-key-data: ${key}
${indent}    client-certificate-data: ${cert}
${indent}  name: "${a}"
clusters:
${indent}- name: ${a}
${indent}  cluster: {server: "https://${a}", certificate-authority-data: ${ca}}
${end}`.replaceAll('\n', eol);
        fc.pre(!(top.startsWith('x') && end.startsWith('x')));
        expect(renew(text)).toBe(swapped(text));
      },
    ),
  );
});

test('writes a new kubeconfig that a parser reads as intended, whatever the names', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (cluster, user) => {
      const made: unknown = parse(
        newKubeconfig(identity, { cluster, user, server: 'https://[fd00::1]:6443' }),
      );
      expect(made).toMatchObject({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': `${user}@${cluster}`,
        clusters: [
          {
            name: cluster,
            cluster: { server: 'https://[fd00::1]:6443', 'certificate-authority-data': NEW_CA },
          },
        ],
        users: [{ name: user, user: { 'client-certificate-data': NEW_CERT, 'client-key-data': NEW_KEY } }],
        contexts: [{ name: `${user}@${cluster}`, context: { cluster, user } }],
      });
    }),
  );
});

test('renews a new kubeconfig like any other', () => {
  const made = newKubeconfig(
    { ca: 'old CA\n', certificate: 'old certificate\n', key: 'old key\n' },
    { cluster: 'c', user: 'u', server: 'https://x' },
  );
  expect(renew(made, nothingKnown)).toBe(
    newKubeconfig(identity, { cluster: 'c', user: 'u', server: 'https://x' }),
  );
});
