import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { createClusterCa } from '../cluster/authority.ts';
import { describeCluster, writeIdentity } from '../cluster/describe.ts';
import { ADMIN } from '../cluster/node-files.ts';
import { kubernetesFolder } from '../cluster/programs.ts';
import { startSmallCluster } from '../cluster/small-cluster.ts';
import { eventually } from '../scenarios/support/eventually.ts';

const programs = kubernetesFolder();
const text = v.string();
const Report = v.pipe(
  text,
  v.parseJson(),
  v.object({
    marks: v.array(v.object({ name: text })),
    rows: v.array(
      v.object({
        mark: text,
        client: text,
        as: text,
        expected: v.boolean(),
        attempts: v.number(),
        failed: v.record(text, v.number()),
      }),
    ),
    streams: v.array(
      v.object({ client: text, does: text, as: text, opened: v.number(), ends: v.array(v.unknown()) }),
    ),
  }),
);

test.skipIf(programs === undefined)(
  'the load program reports accepted clients, presented leaves, and the reasons of failures',
  async ({ onTestFinished }) => {
    if (programs === undefined) return;
    const folder = await mkdtemp(join(tmpdir(), 'coe-load-'));
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const cluster = await startSmallCluster({ programs, folder, components: ['etcd', 'kube-apiserver'] });
    onTestFinished(cluster.close);
    const [node] = cluster.nodes;
    if (!node) throw new Error('a cluster without a master');
    const clients = join(folder, 'clients');
    const description = await describeCluster(cluster, clients, programs);
    const out = join(folder, 'out');
    const load = spawn('node', ['scripts/load.ts', description, '--out', out], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    onTestFinished(() => void load.kill('SIGKILL'));
    const recorded = async (of: string): Promise<string[]> =>
      (await readFile(join(out, 'record.jsonl'), 'utf8').catch(() => ''))
        .split('\n')
        .filter((line) => line.includes(`"${of}"`))
        .map((line) => /"is":"(?<is>[^"]*)"/.exec(line)?.groups?.['is'] ?? '');
    const comes = async (of: string, is: string): Promise<void> =>
      await eventually(
        `${of}: ${is}`,
        async () => (await recorded(of)).at(-1)?.endsWith(is) ?? false,
        60_000,
      );
    const [leaf, toOld, toNew] = ['leaf of kube-apiserver', 'kube-apiserver', 'kube-apiserver'].map(
      (what, index) => `${what} on ${node.name}${['', ' to old', ' to new'][index]}`,
    );
    if (leaf === undefined || toOld === undefined || toNew === undefined) return;

    await comes(leaf, ' of old');
    await comes(toOld, '200');
    await comes(`etcd on ${node.name}`, 'healthy');
    await comes(`leader of etcd, says ${node.name}`, 'itself');

    // From now on, only clients of the next CA are accepted.
    const next = createClusterCa('k1');
    await cluster.stop(node, 'kube-apiserver');
    await comes(leaf, 'refused');
    const served = next.issue([['CN', 'kubernetes']], [node.address]);
    await writeFile(join(node.folder, 'server.crt'), served.cert);
    await writeFile(join(node.folder, 'server.key'), served.key);
    await writeFile(join(node.folder, 'ca.crt'), next.pem);
    const admin = next.issue(ADMIN);
    await writeFile(join(node.folder, 'admin.crt'), admin.cert);
    await writeFile(join(node.folder, 'admin.key'), admin.key);
    await writeIdentity(clients, 'new', next.pem, admin);
    load.stdin.write(`${JSON.stringify({ mark: 'retired', expect: ['new', 'etcd-old'] })}\n`);
    await cluster.start(node, 'kube-apiserver');
    await comes(leaf, ' of new');
    await comes(toNew, '200');
    await comes(toOld, '401');
    load.stdin.end();
    await new Promise((resolve) => load.once('exit', resolve));
    const { rows, streams, marks } = v.parse(Report, await readFile(join(out, 'report.json'), 'utf8'));
    expect(marks.map(({ name }) => name)).toEqual(['start', 'retired']);
    const of = (mark: string, client: string, as: string) =>
      rows.filter((row) => row.mark === mark && row.client === client && row.as === as);
    const reasons = (...which: Parameters<typeof of>): Set<string> =>
      new Set(of(...which).flatMap(({ failed }) => Object.keys(failed)));
    const total = (...which: Parameters<typeof of>): number =>
      of(...which).reduce((sum, { attempts }) => sum + attempts, 0);
    expect(total('start', 'plain', 'old')).toBeGreaterThan(0);
    expect(total('start', 'plain', 'new')).toBe(0);
    // The server was down or had another certificate; there was no other reason for clients that it should accept.
    expect(reasons('retired', 'plain', 'old')).toContain('server certificate');
    expect(reasons('retired', 'plain', 'new')).not.toContain('401');
    expect(reasons('retired', 'etcd', 'etcd-old')).toEqual(new Set());
    expect(
      rows.filter(({ mark, expected }) => mark === 'retired' && !expected).map(({ as }) => as),
    ).toContain('old');
    const watch = streams.find(
      ({ client, does, as }) => client === 'plain' && does === 'watch' && as === 'old',
    );
    expect(watch?.opened).toBeGreaterThan(0);
    expect(watch?.ends.length).toBeGreaterThan(0);
    const shown = await readFile(join(out, 'report.txt'), 'utf8');
    for (const { client } of rows) expect(shown).toContain(client);
  },
);
