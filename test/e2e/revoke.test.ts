import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import * as v from 'valibot';
import { stringify } from 'yaml';
import { eventually } from '../scenarios/support/eventually.ts';
import { exampleLayout } from '../scenarios/support/example-layout.ts';
import { heatParamsText } from '../cloud/heat-params.ts';
import { createSigner, makeList, signLeaf, type Signer } from '../src/support/crl.ts';
import { agentOn } from './agent-on.ts';
import { freePorts } from './free-ports.ts';
import { type Machine, startMachine } from './machine.ts';

/** A revocation list with a real etcd and a real nginx: accepted and rejected clients. */

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

let machine: Machine;
let ports: readonly number[];
beforeAll(async () => {
  machine = await startMachine();
  ports = await freePorts(3);
  const params = {
    NODEGROUP_ROLE: 'master',
    KUBE_NODE_IP: '127.0.0.1',
    CLUSTER_UUID: 'k1',
    INSTANCE_NAME: 'm',
  };
  await machine.write('/etc/sysconfig/heat-params', heatParamsText(params), '0600');
});
afterAll(async () => {
  await machine?.close();
});

type Client = { ca: string; cert: string; key: string };

const leafOf = async (ca: Signer, serial: string): Promise<Client> => ({
  ca: ca.pem,
  ...(await signLeaf(ca, serial)),
});

/** Returns a port's answer to a client; rejects if the port breaks the connection off. */
const ask = async (port: number | undefined, client: Client): Promise<number | undefined> =>
  await new Promise((resolve, reject) => {
    request(`https://127.0.0.1:${port}/health`, { agent: false, timeout: 10_000, ...client }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .once('error', reject)
      .end();
  });

const Remark = v.object({ code: v.string(), of: v.optional(v.string()) });
const Answer = v.object({
  seen: v.optional(v.array(Remark), []),
  error: v.optional(v.object({ code: v.string(), reason: v.optional(v.string()) })),
});

/** Runs the agent's verb with a list, and returns its answer. */
async function revoke(config: string, list: string | Buffer, ...options: string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'coe-list-'));
  onTestFinished(async () => {
    await rm(folder, { recursive: true });
  });
  const file = join(folder, 'list');
  await writeFile(file, list);
  const argv = ['revoke', '--json', '--crl', file, '--config', config, ...options];
  const { exitCode, stdout, stderr } = await agentOn(machine, argv, false);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Answer), stdout);
  if (!parsed.success) throw new Error(`no answer: ${stdout}${stderr}`);
  return { exitCode, stderr, ...parsed.output };
}

const mainPid = async (unit: string): Promise<string> =>
  await machine.run('systemctl', 'show', '--value', '--property=MainPID', unit);

test('etcd: a missing file rejects every client; then the revoked client is rejected, another accepted, without a restart', async () => {
  const ca = await createSigner(EC, 'keyCertSign');
  const [server, admin, victim, canary] = await Promise.all(
    ['A1', 'A2', 'A3', 'A4'].map(async (serial) => await leafOf(ca, serial)),
  );
  if (!server || !admin || !victim || !canary) throw new Error('four leaves');
  const certs = '/etc/etcd/certs';
  const list = `${certs}/client.crl`;
  for (const [path, content] of [
    [`${certs}/ca.crt`, ca.pem],
    [`${certs}/server.crt`, server.cert],
    [`${certs}/server.key`, server.key],
    [`${certs}/admin.crt`, admin.cert],
    [`${certs}/admin.key`, admin.key],
    ['/etc/coe-agent/canary/cert.pem', canary.cert],
    ['/etc/coe-agent/canary/key.pem', canary.key],
  ] as const)
    await machine.write(path, content);
  const [port, peers] = ports;
  await machine.write(
    '/etc/coe-agent/agent.yaml',
    stringify({
      collectors: ['local'],
      layout: 'kubernetes-certs',
      services: {
        deadline_seconds: 20,
        units: { etcd: { port, health: `https://127.0.0.1:${port}/health` } },
      },
    }),
  );
  const CONFIG = '/etc/coe-agent/agent.yaml';
  const options = [
    `--listen-client-urls=https://127.0.0.1:${port} --advertise-client-urls=https://127.0.0.1:${port}`,
    `--listen-peer-urls=http://127.0.0.1:${peers} --initial-advertise-peer-urls=http://127.0.0.1:${peers}`,
    `--initial-cluster=default=http://127.0.0.1:${peers} --data-dir=/var/lib/etcd/d`,
    `--cert-file=${certs}/server.crt --key-file=${certs}/server.key`,
    `--trusted-ca-file=${certs}/ca.crt --client-cert-auth`,
  ].join(' ');
  const unit = async (more = ''): Promise<void> => {
    const command = `ExecStart=/usr/bin/etcd ${options} ${more}`;
    await machine.unit('etcd', {
      Service: ['Type=notify', 'User=etcd', 'EnvironmentFile=-/etc/default/etcd-list', command],
    });
    await machine.run('systemctl', 'restart', 'etcd');
  };
  await unit();
  expect(await ask(port, admin)).toBe(200);

  const first = await makeList(ca, { number: 1 });
  const unconfigured = await revoke(CONFIG, first.pem);
  expect(unconfigured.exitCode).not.toBe(0);
  expect(unconfigured.error).toEqual({ code: 'precondition', reason: 'not-configured' });
  expect((await revoke(CONFIG, first.pem, '--prepare')).exitCode).toBe(0);
  // From an environment file; without the list, etcd starts and rejects every client.
  await machine.write('/etc/default/etcd-list', `ETCD_CLIENT_CRL_FILE=${list}\n`);
  await machine.run('mv', list, `${list}.away`);
  await unit();
  await expect(ask(port, admin)).rejects.toThrow();
  await machine.run('mv', `${list}.away`, list);
  expect([await ask(port, admin), await ask(port, victim), await ask(port, canary)]).toEqual([200, 200, 200]);

  const pid = await mainPid('etcd');
  const second = await makeList(ca, { number: 2, serials: ['A3', 'A4'] });
  const done = await revoke(CONFIG, second.der);
  expect(done.stderr).toBe('');
  for (const remark of [
    { code: 'accepts', of: `${certs}/admin.crt` },
    { code: 'refuses', of: '/etc/coe-agent/canary/cert.pem' },
    { code: 'read', of: list },
  ])
    expect(done.seen).toContainEqual(remark);
  await expect(ask(port, victim)).rejects.toThrow();
  expect(await ask(port, admin)).toBe(200);
  expect(await mainPid('etcd')).toBe(pid);

  const third = await makeList(ca, { number: 3, serials: ['A3'] });
  expect((await revoke(CONFIG, third.der, '--restart')).exitCode).toBe(0);
  expect(await mainPid('etcd')).not.toBe(pid);
  expect([await ask(port, admin), await ask(port, canary)]).toEqual([200, 200]);

  // Of another CA with the same name: etcd compares only serial numbers, and continues.
  const stranger = await makeList(await createSigner(EC, 'keyCertSign'), { number: 9, serials: ['A4'] });
  await machine.write('/run/list', stranger.der.toString('base64'));
  await machine.run('sh', '-c', 'base64 -d /run/list >"$1"', 'sh', list);
  expect(await ask(port, admin)).toBe(200);
  await expect(ask(port, canary)).rejects.toThrow();
});

const FRONT = '/etc/coe-agent/front.yaml';

test("nginx, with the example's layout: the revoked client is rejected, another accepted; under Magnum's CA all would be rejected", async () => {
  const ca = await createSigner(EC, 'keyCertSign,cRLSign');
  const [server, victim] = [await leafOf(ca, 'B1'), await leafOf(ca, 'B2')];
  const tls = '/etc/nginx/tls';
  const list = `${tls}/clients.crl`;
  const port = ports[2];
  const certificates = async (signer: Signer, own: Client): Promise<void> => {
    await machine.write(`${tls}/ca.crt`, signer.pem);
    await machine.write(`${tls}/server.crt`, own.cert);
    await machine.write(`${tls}/server.key`, own.key, '0600');
  };
  await certificates(ca, server);
  await machine.write(list, (await makeList(ca, { number: 1 })).pem);
  await machine.write(
    '/etc/nginx/conf.d/front.conf',
    `server {
  listen 127.0.0.1:${port} ssl;
  ssl_certificate ${tls}/server.crt;
  ssl_certificate_key ${tls}/server.key;
  ssl_client_certificate ${tls}/ca.crt;
  ssl_verify_client on;
  ssl_crl ${list};
  location / { return 200 "ok\\n"; }
}
`,
  );
  await machine.write(
    '/etc/nginx/nginx.conf',
    'events {}\nhttp { access_log off; include /etc/nginx/conf.d/*.conf; }\n',
  );
  await machine.unit('nginx', {
    Service: ['Type=exec', 'ExecStart=/usr/sbin/nginx -c /etc/nginx/nginx.conf -g "daemon off;"'],
  });
  await machine.write('/etc/coe-agent/layouts.d/front.yaml', exampleLayout('front'));
  await machine.write(
    FRONT,
    stringify({
      collectors: ['local'],
      layout: 'front',
      services: { deadline_seconds: 20, units: { nginx: { port, health: `https://127.0.0.1:${port}/` } } },
    }),
  );
  expect((await revoke(FRONT, (await makeList(ca, { number: 2 })).pem)).stderr).toBe('');
  expect(await ask(port, victim)).toBe(200);

  const done = await revoke(FRONT, (await makeList(ca, { number: 3, serials: ['B2'] })).pem);
  expect(done.stderr).toBe('');
  expect(done.seen).toContainEqual({ code: 'accepts', of: `${tls}/server.crt` });
  expect(done.seen).toContainEqual({ code: 'read', of: list });
  expect([await ask(port, server), await ask(port, victim)]).toEqual([200, 400]);

  // The agent rejects it because OpenSSL does: a list of a CA that may only sign certificates.
  const magnums = await createSigner(EC, 'keyCertSign');
  const its = await leafOf(magnums, 'B3');
  await certificates(magnums, its);
  const { pem } = await makeList(magnums, { number: 1 });
  expect((await revoke(FRONT, pem)).error).toEqual({ code: 'precondition', reason: 'signer-may-not' });
  await machine.write(list, pem);
  await machine.run('systemctl', 'restart', 'nginx');
  await eventually(
    'nginx answers',
    async () =>
      await ask(port, its).then(
        () => true,
        () => false,
      ),
  );
  expect(await ask(port, its)).toBe(400);
});
