import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { type Node, nodeFolder, nodes, ownerKubeconfig } from './magnum-cluster.ts';
import type { PROBE_POD } from './probe-pod.ts';

/** Runs clients of the cluster (scripts/load.ts) during an event. */
export type Load = {
  /** Starts a phase of the report; the named clients are expected to be accepted, and a master's own of etcd. */
  mark(name: string, ...expect: string[]): void;
  /** Ends the clients and returns the report. */
  stop(): Promise<string>;
};

/**
 * Writes the files of a client with the owner's present kubeconfig; a client of that name waits until then.
 *
 * @param beside another client whose CA it trusts as well
 */
export async function writeIdentity(folder: string, name: string, beside?: string): Promise<void> {
  const { ca: present, cert, key } = await ownerKubeconfig();
  // Go reads no certificate that begins on the last line of another.
  const former = beside === undefined ? '' : `${await readFile(join(folder, beside, 'ca.crt'), 'utf8')}\n`;
  const ca = `${former}${present}`;
  await mkdir(join(folder, name), { recursive: true });
  // The CA is written last: a client starts when all files exist.
  for (const [file, content] of [
    ['client.key', key],
    ['client.crt', cert],
    ['ca.crt', ca],
  ] as const)
    await writeFile(join(folder, name, file), content);
}

type Identity = Record<'name' | 'ca' | 'cert' | 'key', string>;

/** The certificate with which a master's own scripts connect to etcd, as it is at each moment. */
function ownEtcdIdentity(master: Node): Identity {
  const at = (file: string): string => nodeFolder(master, join('/etc/etcd/certs', file));
  return { name: 'etcd-own', ca: at('ca.crt'), cert: at('admin.crt'), key: at('admin.key') };
}

/** Copies the present files of an identity to those of another. */
async function keepAs(kept: Identity, present: Identity): Promise<void> {
  await mkdir(dirname(kept.ca), { recursive: true });
  for (const file of ['key', 'cert', 'ca'] as const) await copyFile(present[file], kept[file]);
}

const identity = (folder: string, name: string): Identity => {
  const at = (file: string): string => join(folder, name, file);
  return { name, ca: at('ca.crt'), cert: at('client.crt'), key: at('client.key') };
};

/**
 * Starts the client `old` with the owner's present certificate, and `new` and `both`, which wait for their files. The
 * report and the record are in the folder afterwards.
 *
 * @param running a pod, whose log is followed and in which a program runs, and a path of an aggregated API
 */
export async function startLoad(
  folder: string,
  running: { pod?: typeof PROBE_POD; aggregated?: string } = {},
): Promise<Load> {
  await writeIdentity(folder, 'old');
  const all = await nodes();
  const [master] = all;
  if (master?.role !== 'master') throw new Error('the cluster has no master');
  const [oldEtcd, ownEtcd] = [identity(folder, 'etcd-old'), ownEtcdIdentity(master)];
  await keepAs(oldEtcd, ownEtcd);
  const description = {
    nodes: all.map(({ name, address, role }) => ({
      name,
      address,
      ports:
        role === 'master'
          ? { 'kube-apiserver': 6443, kubelet: 10250, etcd: 2379, 'etcd-peer': 2380 }
          : { kubelet: 10250 },
    })),
    loadBalancer: (await ownerKubeconfig()).server,
    identities: ['old', 'new', 'both'].map((name) => identity(folder, name)),
    etcd: [oldEtcd, ownEtcd],
    authorities: {
      etcd: oldEtcd.ca,
      old: join(folder, 'old', 'ca.crt'),
      new: join(folder, 'new', 'ca.crt'),
    },
    ...running,
    programs: (await execa('scripts/kubernetes', ['where'])).stdout,
  };
  const path = join(folder, 'cluster.json');
  await writeFile(path, JSON.stringify(description, undefined, 2));
  const program = execa('node', ['scripts/load.ts', path, '--out', folder], { stdin: 'pipe' });
  return {
    mark: (name, ...expect) =>
      program.stdin.write(`${JSON.stringify({ mark: name, expect: [...expect, ownEtcd.name] })}\n`),
    stop: async () => {
      program.stdin.end();
      return (await program).stdout;
    },
  };
}
