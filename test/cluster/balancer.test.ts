import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeEach, expect, onTestFinished, test } from 'vitest';

/** haproxy's configuration in Octavia's place, from a stack's resources. Defaults are Octavia's. */

const BALANCER = join(import.meta.dirname, '../../scripts/cluster.d/balancer.py');

let records: string;
beforeEach(async () => {
  records = await mkdtemp(join(tmpdir(), 'coe-records-'));
  onTestFinished(async () => {
    await rm(records, { recursive: true });
  });
});

const record = async (kind: string, id: string, content: object): Promise<void> => {
  await mkdir(join(records, kind), { recursive: true });
  await writeFile(join(records, kind, `${id}.json`), JSON.stringify(content));
};

const write = async (reject = true) => await execa('python3', ['-B', BALANCER, records], { reject });

/** Returns the lines of a section, without its header. */
async function section(name: string): Promise<string[]> {
  const lines = (await write()).stdout.split('\n');
  const from = lines.indexOf(name) + 1;
  const length = lines.slice(from).findIndex((line) => !line.startsWith(' '));
  return lines.slice(from, length < 0 ? undefined : from + length).map((line) => line.trim());
}

/** Creates a load balancer like Magnum's templates for the API of a cluster with two masters. */
async function apiBalancer(): Promise<void> {
  await record('load_balancers', 'lb', { vip_address: '10.77.1.5' });
  await record('listeners', 'api', { loadbalancer: 'lb', protocol: 'TCP', protocol_port: 6443 });
  await record('pools', 'masters', { listener: 'api', protocol: 'TCP', lb_algorithm: 'ROUND_ROBIN' });
  for (const number of [10, 11])
    await record('members', `m${number}`, {
      pool: 'masters',
      address: `10.77.1.${number}`,
      protocol_port: 6443,
    });
}

test('listens on the address of the load balancer, and names each member', async () => {
  await apiBalancer();
  expect(await section('frontend api')).toEqual([
    'bind 10.77.1.5:6443',
    'mode tcp',
    'default_backend masters',
    'timeout client 50000',
  ]);
  const backend = await section('backend masters');
  expect(backend).toEqual(
    expect.arrayContaining([
      'mode tcp',
      'balance roundrobin',
      'timeout connect 5000',
      'timeout server 50000',
    ]),
  );
  expect(backend.filter((line) => line.startsWith('server'))).toEqual([
    'server m10 10.77.1.10:6443 weight 1',
    'server m11 10.77.1.11:6443 weight 1',
  ]);
});

test('checks each member of a pool with its health monitor', async () => {
  await apiBalancer();
  await record('monitors', 'tcp', { pool: 'masters', type: 'TCP', delay: 5, max_retries: 2, timeout: 4 });
  await record('monitors', 'other', { pool: 'others', type: 'TCP', delay: 9, max_retries: 9, timeout: 9 });
  const backend = await section('backend masters');
  expect(backend).toContain('timeout check 4s');
  expect(backend).toContain('server m10 10.77.1.10:6443 weight 1 check inter 5s fall 3 rise 2');
});

// As Octavia's template does for this type.
test('asks each member over TLS with a monitor of the type HTTPS', async () => {
  await apiBalancer();
  const times = { delay: 3, max_retries: 2, timeout: 3 };
  await record('monitors', 'ready', { pool: 'masters', type: 'HTTPS', url_path: '/readyz', ...times });
  const backend = await section('backend masters');
  expect(backend).toContain('option httpchk GET /readyz');
  expect(backend).toContain('http-check expect rstatus 200');
  expect(backend).toContain(
    'server m10 10.77.1.10:6443 weight 1 check check-ssl verify none inter 3s fall 3 rise 2',
  );
});

test.each([
  ['LEAST_CONNECTIONS', 'leastconn'],
  ['SOURCE_IP', 'source'],
])('balances by %s', async (asked, balance) => {
  await apiBalancer();
  await record('pools', 'masters', { listener: 'api', protocol: 'TCP', lb_algorithm: asked });
  expect(await section('backend masters')).toContain(`balance ${balance}`);
});

test('excludes members of other pools', async () => {
  await apiBalancer();
  await record('members', 'x', { pool: 'others', address: '10.77.1.30', protocol_port: 80 });
  expect((await write()).stdout).not.toContain('10.77.1.30');
});

test('listens on nothing without a pool', async () => {
  await record('load_balancers', 'lb', { vip_address: '10.77.1.5' });
  expect((await write()).stdout).not.toContain('bind');
});

// The stack makes its resources one by one; the former configuration stays until all exist.
test('fails while a pool has no listener yet', async () => {
  await record('pools', 'masters', { listener: 'api', protocol: 'TCP', lb_algorithm: 'ROUND_ROBIN' });
  expect((await write(false)).exitCode).not.toBe(0);
});
