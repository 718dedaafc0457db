import { readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cloudForFile } from '../cloud/for-file.ts';
import { createSigner, makeList } from '../src/support/crl.ts';
import { at, parseObject } from '../cloud/exchange.ts';
import { cli } from './support/cli.ts';
import { ETCD_LIST, listOf, makeCanary, serialOf } from './support/lists.ts';
import { createSite, type Site } from './support/site.ts';
import type { OutcomeError } from '../../src/deployment/deployment.ts';
import { noticesIn } from './support/notices.ts';
import { lastError } from './support/last-error.ts';

const cloud = await cloudForFile();

/** Makes a master whose etcd uses a list; the first one is installed. */
async function masterWithList(): Promise<Site> {
  const site = await createSite(cloud, { role: 'master' });
  site.node.units.goByList('etcd', ETCD_LIST);
  expect(await answerTo(site, (await listOf(site, { number: 1 })).pem)).toMatchObject({ code: 0 });
  return site;
}

type Answer = { code: unknown; error: OutcomeError; stdout: string; stderr: string };

/** Sends a list and returns the answer to Heat. */
async function answerTo(site: Site, crl: string, values: Record<string, unknown> = {}): Promise<Answer> {
  cloud.deploy(site.cluster, site.server, {
    resource: 'revoke',
    group: 'coe-revoke',
    inputs: [
      { name: 'crl', type: 'String' },
      ...['allow_own', 'prepare', 'restart'].map((name) => ({ name, type: 'Boolean' })),
    ],
    values: { crl, ...values },
  });
  await site.pass();
  const body = site.signals().at(-1)?.body;
  return {
    code: body?.['deploy_status_code'],
    error: await lastError(site),
    stdout: String(body?.['deploy_stdout']),
    stderr: String(body?.['deploy_stderr']),
  };
}

const installed = async (site: Site): Promise<Buffer> => await readFile(join(site.node.root, ETCD_LIST));

/** Whether etcd accepts a client. */
async function isLetIn(site: Site, stem: string): Promise<boolean> {
  const [cert, key] = await Promise.all(
    stem.endsWith('/canary')
      ? [site.node.read(`${stem}/cert.pem`), site.node.read(`${stem}/key.pem`)]
      : [site.node.read(`${stem}.crt`), site.node.read(`${stem}.key`)],
  );
  const port = site.node.units.port('etcd');
  return await new Promise((resolve) => {
    request(
      { host: '127.0.0.1', port, path: '/health', agent: false, rejectUnauthorized: false, cert, key },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    )
      .once('error', () => {
        resolve(false);
      })
      .end();
  });
}

const CANARY = '/etc/coe-agent/canary';
const ADMIN = '/etc/etcd/certs/admin';

test('verifies that the revoked client is rejected and another accepted, without a restart, and reports both', async () => {
  const site = await masterWithList();
  const serial = await makeCanary(site);
  expect(await isLetIn(site, CANARY)).toBe(true);
  const { pem, der } = await listOf(site, { number: 2, serials: [serial] });

  const { code, stdout, stderr } = await answerTo(site, pem.replaceAll('\n', String.raw`\n`));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/the list 2 of the etcd CA [0-9a-f]{16} \(1 revoked, valid until .*\), installed:/);
  expect(stdout).toContain('etcd accepts /etc/etcd/certs/admin.crt, which is not revoked\n');
  expect(stdout).toContain('etcd refuses /etc/coe-agent/canary/cert.pem, which is revoked\n');
  expect(stdout).toContain(`${ETCD_LIST} has been read since it was put in place\n`);
  expect([await isLetIn(site, CANARY), await isLetIn(site, ADMIN)]).toEqual([false, true]);
  expect((await installed(site)).equals(der)).toBe(true);
  expect(site.restarts()).toEqual([]);
  expect((await site.files()).get(ETCD_LIST)).toMatchObject({ mode: 0o440 });
});

test('does nothing for the same list, and repairs its damaged file', async () => {
  const site = await masterWithList();
  const { der } = await listOf(site, { number: 2 });
  expect(await answerTo(site, der.toString('base64'))).toMatchObject({ code: 0 });
  const again = await answerTo(site, `${der.toString('base64')}\n`);
  expect(again.stdout).toMatch(/^the list 2 .* is already installed\n$/);
  await site.node.write(ETCD_LIST, 'no list');
  await answerTo(site, ` ${der.toString('base64')}`);
  expect((await installed(site)).equals(der)).toBe(true);
});

test('restarts etcd with the input restart, which closes open connections', async () => {
  const site = await masterWithList();
  const { pem } = await listOf(site, { number: 2 });
  expect(await answerTo(site, pem, { restart: true })).toMatchObject({ code: 0 });
  expect(site.restarts()).toEqual(['etcd']);
});

describe('rejects before any change', () => {
  const HOUR = 3_600_000;
  test.each<[string, (site: Site) => Promise<string>, OutcomeError]>([
    [
      'an older list',
      async (site) => (await listOf(site, { number: 4 })).pem,
      { code: 'precondition', reason: 'list-older' },
    ],
    [
      'a list without a number',
      async (site) => (await listOf(site, {})).pem,
      { code: 'precondition', reason: 'list-unnumbered' },
    ],
    [
      'another list with the same number',
      async (site) => (await listOf(site, { number: 5, serials: ['66'] })).pem,
      { code: 'precondition', reason: 'list-differs' },
    ],
    [
      'a list of another CA with the same name',
      async () =>
        (await makeList(await createSigner(['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']), { number: 6 }))
          .pem,
      { code: 'precondition', reason: 'foreign-signer' },
    ],
    [
      'a list of a CA whose lists no unit reads',
      async (site) => (await listOf(site, { number: 6 }, 'kubernetes')).pem,
      { code: 'precondition', reason: 'no-reader' },
    ],
    [
      'an expired list',
      async (site) =>
        (await listOf(site, { number: 6, from: Date.now() - 2 * HOUR, until: Date.now() - HOUR })).pem,
      { code: 'precondition', reason: 'list-expired' },
    ],
    [
      'a list that is not valid yet',
      async (site) =>
        (await listOf(site, { number: 6, from: Date.now() + HOUR, until: Date.now() + 2 * HOUR })).pem,
      { code: 'precondition', reason: 'list-early' },
    ],
    [
      "a list that revokes the node's own certificate",
      async (site) => {
        const serials = [serialOf(await site.node.read(`${ADMIN}.crt`))];
        return (await listOf(site, { number: 6, serials })).pem;
      },
      { code: 'precondition', reason: 'own-certificate' },
    ],
    [
      'other content',
      async () => await Promise.resolve('-----BEGIN X509 CRL-----'),
      { code: 'bad-certificate' },
    ],
    ['nothing', async () => await Promise.resolve(' '), { code: 'bad-deployment', reason: 'list-missing' }],
  ])('%s', async (_, make, error) => {
    const site = await masterWithList();
    expect(await answerTo(site, (await listOf(site, { number: 5 })).pem)).toMatchObject({ code: 0 });
    const before = await site.files();
    const answer = await answerTo(site, await make(site));
    expect(answer).toMatchObject({ code: 1, error });
    expect(await site.files()).toEqual(before);
    expect(site.restarts()).toEqual([]);
  });

  test('an invalid flag', async () => {
    const site = await masterWithList();
    const { pem } = await listOf(site, { number: 2 });
    expect(await answerTo(site, pem, { prepare: 'perhaps' })).toMatchObject({
      code: 1,
      error: { code: 'bad-deployment', reason: 'input-not-a-flag' },
      stderr: expect.stringContaining('prepare') as unknown,
    });
  });

  test('a list on a worker, where no unit uses one', async () => {
    const site = await createSite(cloud);
    const { pem } = await listOf(site, { number: 1 }, 'kubernetes');
    expect(await answerTo(site, pem)).toMatchObject({ error: { reason: 'no-reader' } });
  });
});

test('reports an etcd without a configured list; prepare installs the file for it', async () => {
  const site = await createSite(cloud, { role: 'master' });
  const { pem, der } = await listOf(site, { number: 1 });
  const refused = await answerTo(site, pem);
  expect(refused).toMatchObject({ code: 1, error: { code: 'precondition', reason: 'not-configured' } });
  expect(refused.stderr).toContain(`--client-crl-file=${ETCD_LIST}`);
  expect((await site.files()).has(ETCD_LIST)).toBe(false);

  const prepared = await answerTo(site, pem, { prepare: true });
  expect(prepared).toMatchObject({ code: 0 });
  expect((await installed(site)).equals(der)).toBe(true);
});

test('installs a list that revokes the node itself on request, and its own rejection is the proof', async () => {
  const site = await masterWithList();
  const { pem } = await listOf(site, {
    number: 2,
    serials: [serialOf(await site.node.read(`${ADMIN}.crt`))],
  });
  expect(await answerTo(site, pem, { allow_own: true })).toMatchObject({ code: 0 });
  expect(await isLetIn(site, ADMIN)).toBe(false);
});

test('restores the former list if the service still accepts the revoked client', async () => {
  const site = await masterWithList();
  const serial = await makeCanary(site);
  const before = await site.files();
  // The unit names the file, but etcd uses another.
  await writeFile(join(site.node.root, 'etc/other.crl'), (await listOf(site, { number: 9 })).der);
  site.node.units.goByList('etcd', ETCD_LIST, '/etc/other.crl');
  const { code, error } = await answerTo(site, (await listOf(site, { number: 2, serials: [serial] })).pem);
  expect({ code, error }).toMatchObject({ code: 1, error: { code: 'proof' } });
  expect((await site.files()).get(ETCD_LIST)).toEqual(before.get(ETCD_LIST));
});

test('restarts an etcd once that has not read the file, and fails if it still has not', async () => {
  const site = await masterWithList();
  await writeFile(join(site.node.root, 'etc/other.crl'), (await listOf(site, { number: 9 })).der);
  site.node.units.goByList('etcd', ETCD_LIST, '/etc/other.crl');
  const { code } = await answerTo(site, (await listOf(site, { number: 2 })).pem);
  expect(code).toBe(0);
  expect(noticesIn(site.progress)).toContain('list-unread etcd');
  expect(site.restarts()).toEqual(['etcd']);
});

test('keeps the present list when Heat goes back to an earlier one', async () => {
  const site = await masterWithList();
  const [two, three] = [await listOf(site, { number: 2 }), await listOf(site, { number: 3 })];
  await answerTo(site, two.pem);
  await answerTo(site, three.pem);
  expect(await answerTo(site, two.pem)).toMatchObject({ code: 0 });
  expect((await installed(site)).equals(three.der)).toBe(true);
});

test('reports the old list after a rotation, and accepts a first list of the new CA', async () => {
  const site = await masterWithList();
  await answerTo(site, (await listOf(site, { number: 7, serials: ['66'] })).pem);
  await cloud.rotateCa(site.cluster);
  await site.pass();
  expect(noticesIn(site.progress)).toContain('list-outlived');
  expect(await answerTo(site, (await listOf(site, { number: 1 })).pem)).toMatchObject({ code: 0 });
});

test('agent doctor reports a list that is missing, invalid, about to expire or of another CA', async () => {
  const site = await masterWithList();
  const put = async (content: Uint8Array | string): Promise<void> => {
    await writeFile(join(site.node.root, ETCD_LIST), content);
  };
  const verdict = async (): Promise<unknown> => {
    const findings: unknown = at(parseObject((await cli(site, ['doctor', '--json'])).stdout), 'findings');
    const found = Array.isArray(findings) ? findings : [];
    return at(
      found.find((one: unknown) => at(one, 'id') === 'revocation-list'),
      'verdict',
    );
  };
  expect(await verdict()).toBe('warning');
  const month = Date.now() + 30 * 86_400_000;
  await answerTo(site, (await listOf(site, { number: 2, until: month })).pem);
  expect(await verdict()).toBe('good');
  const past = { from: Date.now() - 9_000_000, until: Date.now() - 5_000_000 };
  await put((await listOf(site, { number: 3, ...past })).der);
  expect(await verdict()).toBe('warning');
  await put((await listOf(site, { number: 3 }, 'kubernetes')).der);
  expect(await verdict()).toBe('warning');
  await put('no list');
  expect(await verdict()).toBe('bad');
  await rm(join(site.node.root, ETCD_LIST));
  expect(await verdict()).toBe('bad');
});

test('agent plan describes it, agent revoke does it by hand', async () => {
  const site = await masterWithList();
  const [two, three] = [await listOf(site, { number: 2 }), await listOf(site, { number: 3 })];
  cloud.deploy(site.cluster, site.server, {
    resource: 'revoke',
    group: 'coe-revoke',
    inputs: [{ name: 'crl', type: 'String' }],
    values: { crl: two.pem },
  });
  const plan = await cli(site, ['plan', '--json']);
  expect(at(parseObject(plan.stdout), 'deployments')).toMatchObject([
    {
      verdict: 'planned',
      steps: [
        { code: 'check' },
        { code: 'stage-files', details: [ETCD_LIST] },
        { code: 'replace' },
        { code: 'prove-list', of: 'etcd' },
        { code: 'signal', of: 'HEAT_SIGNAL' },
      ],
    },
  ]);

  const file = join(site.node.root, 'list.der');
  await writeFile(file, three.der);
  const done = await cli(site, ['revoke', '--crl', file, '--json']);
  expect(done).toMatchObject({ code: 0 });
  expect(parseObject(done.stdout)).toMatchObject({
    changed: true,
    files: [ETCD_LIST],
    seen: [
      { code: 'accepts', of: '/etc/etcd/certs/admin.crt' },
      { code: 'read', of: ETCD_LIST },
    ],
  });
  expect((await installed(site)).equals(three.der)).toBe(true);
  const again = await cli(site, ['revoke', '--crl', file, '--json']);
  expect(parseObject(again.stdout)).toMatchObject({ changed: false });
  for (const [content, reason] of [
    [await site.node.read('/etc/etcd/certs/ca.crt'), 'list-missing'],
    [Buffer.from([0x30, 0x84, 0x01]), 'no-list'],
  ] as const) {
    await writeFile(file, content);
    const wrong = await cli(site, ['revoke', '--crl', file, '--json']);
    expect(wrong.code).not.toBe(0);
    expect(parseObject(wrong.stdout)).toMatchObject({ error: { code: 'bad-certificate', reason } });
  }
  await writeFile(file, two.der);
  const older = await cli(site, ['revoke', '--crl', file, '--json']);
  expect(older.code).not.toBe(0);
  expect(parseObject(older.stdout)).toMatchObject({ error: { reason: 'list-older' } });
});
