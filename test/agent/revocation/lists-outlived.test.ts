import { beforeAll, describe, expect, test } from 'vitest';
import { listsOutlived } from '../../../agent/revocation/lists-outlived.ts';
import type { ListReader, RevocationListRow } from '../../../src/certificates/layout.ts';
import { settingsOf } from '../../../src/services/unit-settings.ts';
import { createHands } from '../../fakes/hands.ts';
import { noticesIn } from '../../scenarios/support/notices.ts';
import { NEVER } from '../../src/support/clock.ts';
import { createSigner, makeList, type Signer } from '../../src/support/crl.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { fileAt } from '../../src/support/small-layout.ts';
import { nodeOf } from '../support/node.ts';

const LIST = '/etc/k/client.crl';
const CONFIG = '/etc/nginx/nginx.conf';
const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

let former: Signer;
let next: Signer;
beforeAll(async () => {
  [former, next] = await Promise.all([createSigner(EC), createSigner(EC)]);
});

/** Installs new certificates of a CA over a list of another. */
async function outlived({
  reader = 'etcd',
  list = former,
  named = true,
  type = 'etcd',
  ...file
}: {
  reader?: ListReader;
  list?: Signer;
  /** In place of the list; undefined: there is no file. */
  content?: string | undefined;
  /** Whether the service's configuration names the list. */
  named?: boolean;
  type?: 'etcd' | 'kubernetes';
} = {}) {
  const row: RevocationListRow = { ca: 'etcd', file: fileAt(LIST), unit: 'x', reader, namedIn: [CONFIG] };
  const node = nodeOf('master', {}, { revocationLists: [row] });
  const { hands, write, progress } = await createHands({
    files: { [CONFIG]: named ? `ssl_crl ${LIST};\n` : '' },
    over: { unitSettings: async () => await Promise.resolve(settingsOf('')) },
  });
  const content = 'content' in file ? file.content : (await makeList(list, { number: 1 })).pem;
  if (content !== undefined) await write(LIST, content);
  const authorities = new Map([[type, next.pem] as const]);
  const said = await listsOutlived(node, { authorities, certificates: new Map() }, hands, NEVER);
  return { said: said.length, notices: noticesIn(progress) };
}
const NOTHING = { said: 0, notices: [] };

describe('a list of the former CA', () => {
  test('that its service takes anyway is only reported: it revokes nothing any more', async () => {
    expect(await outlived()).toEqual({ said: 1, notices: ['list-outlived'] });
  });

  test('that its service verifies would lock out every client, so the rotation is refused', async () => {
    expect(await faultIn(outlived({ reader: 'openssl' }))).toEqual({
      code: 'precondition',
      reason: 'list-outlived',
    });
  });

  test('that its service does not read is harmless', async () => {
    expect(await outlived({ reader: 'openssl', named: false })).toEqual(NOTHING);
  });

  test('of a CA that stays remains valid', async () => {
    expect(await outlived({ reader: 'openssl', type: 'kubernetes' })).toEqual(NOTHING);
  });
});

test('accepts a list of the new CA, and a missing one', async () => {
  expect(await outlived({ reader: 'openssl', list: next })).toEqual(NOTHING);
  expect(await outlived({ reader: 'openssl', content: undefined })).toEqual(NOTHING);
});

test('counts an unreadable list as one of the former CA', async () => {
  expect(await outlived({ content: 'no list' })).toMatchObject({ said: 1 });
});
