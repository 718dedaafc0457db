import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { callEtcd, type EtcdClient } from '../../src/services/etcd-call.ts';
import { handLeadershipOver } from '../../src/services/etcd-leader.ts';
import { numberField } from '../../src/services/protobuf.ts';
import { createClusterCa } from '../cluster/authority.ts';
import { kubernetesFolder, programIn } from '../cluster/programs.ts';
import { startProcess } from '../cluster/process.ts';
import { freePorts } from '../e2e/free-ports.ts';
import { NEVER } from '../src/support/clock.ts';
import { agentErrorOf, faultIn } from '../src/support/outcome-of.ts';

/** A leader of a real etcd hands its leadership over: three members, each started with a configuration file as Magnum's. */

const programs = kubernetesFolder();
const NAMES = ['m0', 'm1', 'm2'];

async function startMembers(program: string): Promise<EtcdClient[]> {
  const folder = await mkdtemp(join(tmpdir(), 'coe-etcd-'));
  onTestFinished(async () => {
    await rm(folder, { recursive: true });
  });
  const ca = createClusterCa('k1');
  const { cert, key } = ca.issue([['CN', 'etcd']], ['127.0.0.1']);
  const files = { 'ca.crt': ca.pem, 'server.crt': cert, 'server.key': key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const security = (indent: string): string =>
    ['cert-file: server.crt', 'key-file: server.key', 'trusted-ca-file: ca.crt']
      .map((line) => `${indent}${line.replace(': ', `: ${folder}/`)}\n`)
      .join('') + `${indent}client-cert-auth: true\n`;
  const ports = await freePorts(NAMES.length * 2);
  const peers = NAMES.map((name, index) => `${name}=https://127.0.0.1:${ports[index]}`).join(',');
  const clients: EtcdClient[] = [];
  for (const [index, name] of NAMES.entries()) {
    const peer = `https://127.0.0.1:${ports[index]}`;
    const url = `https://127.0.0.1:${ports[index + NAMES.length]}`;
    const lines = [
      `name: ${name}`,
      `data-dir: ${folder}/${name}`,
      `listen-client-urls: ${url}`,
      `advertise-client-urls: ${url}`,
      `listen-peer-urls: ${peer}`,
      `initial-advertise-peer-urls: ${peer}`,
      `initial-cluster: ${peers}`,
      'client-transport-security:',
    ];
    const text = `${lines.join('\n')}\n${security('  ')}peer-transport-security:\n${security('  ')}`;
    await writeFile(join(folder, `${name}.yaml`), text);
    const member = startProcess(
      program,
      ['--config-file', join(folder, `${name}.yaml`)],
      join(folder, `${name}.log`),
    );
    onTestFinished(async () => {
      await member.stop();
    });
    clients.push({ url, ca: ca.pem, certificate: cert, key });
  }
  return clients;
}

const asked = (client: EtcdClient) => async (method: string, message: Buffer) =>
  await callEtcd(client, method, message, NEVER);

test.skipIf(programs === undefined)(
  'the leader hands over to the member that is named, and no other does',
  async () => {
    const clients = await startMembers(programIn(programs ?? '', 'etcd'));
    const others = (index: number): string[] => NAMES.filter((_, other) => other !== index);
    /** Each member is asked in turn; the one that leads hands over. */
    const handOverOnce = async (): Promise<[from: number, to: string]> => {
      for (const [index, client] of clients.entries()) {
        const to = await handLeadershipOver(others(index), asked(client));
        if (to !== undefined) return [index, to];
      }
      throw new Error('no member leads');
    };
    let first: [number, string] | undefined;
    await expect
      .poll(async () => (first = await handOverOnce().catch(() => undefined)), { timeout: 60_000 })
      .toBeDefined();
    const [from, to] = first ?? [-1, ''];
    expect(to).toBe(others(from)[0]);
    const leader = clients[NAMES.indexOf(to)];
    const former = clients[from];
    if (!leader || !former) throw new Error('there are three members');
    // The new leader hands back; the former one does not lead any more.
    expect(await handLeadershipOver([NAMES[from] ?? ''], asked(former))).toBeUndefined();
    expect(await handLeadershipOver([NAMES[from] ?? ''], asked(leader))).toBe(NAMES[from]);

    // FAILED_PRECONDITION or UNAVAILABLE: no member has this id.
    expect(await agentErrorOf(asked(former)('Maintenance/MoveLeader', numberField(1, 1n)))).toMatchObject({
      code: 'bad-answer',
    });
    expect(await faultIn(handLeadershipOver(['unknown'], asked(former)))).toEqual({
      code: 'precondition',
      reason: 'no-member',
    });
  },
);
