import { once } from 'node:events';
import { join } from 'node:path';
import { chmod, chown, mkdir, symlink, unlink } from 'node:fs/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Instrument } from '../../agent/compose.ts';
import { takeLock } from '../../src/base/lock.ts';
import { cloudForFile } from '../cloud/for-file.ts';
import { askUnits } from '../crash/socket-systemctl.ts';
import { cut, fullDisk, killInMidCommit, withoutSystemctl } from './support/broken-nodes.ts';
import { cli } from './support/cli.ts';
import { examine, type Found } from './support/doctor.ts';
import { eventually } from './support/eventually.ts';
import { createSite, type Site, type SiteSpec } from './support/site.ts';
import { unreadableCopies } from './support/unreadable-copies.ts';

/** A broken node as an operator on call finds it, and the findings of `agent doctor`. */

const cloud = await cloudForFile();

const CERTS = '/etc/kubernetes/certs';
const YAML = '/etc/coe-agent/agent.yaml';
const PARAMS = '/etc/sysconfig/heat-params';
const LEDGER = '/var/lib/coe-agent/deployments';

type Row = {
  node: string;
  spec?: SiteSpec;
  breaks: (site: Site) => unknown;
  /** The fault that is present while the doctor looks. */
  instrument?: Instrument;
  code: 0 | 1 | 3;
  /** The finding: its id, subject, and cause. */
  finding: [id: string, of: string | undefined, reason: string];
  next: string | ((site: Site) => string);
};

const restart = async ({ node }: Site, unit: string): Promise<void> => {
  await askUnits(join(node.root, 'run/units.sock'), 'restart', unit);
};
/** Only root can change the owner of a file; any user can let others write it. */
const giveAway = async (path: string): Promise<void> => {
  if (process.geteuid?.() === 0) await chown(path, 4711, 4711);
  else await chmod(path, 0o622);
};
const rotateInVain = async (site: Site): Promise<void> => {
  site.node.units.breakUnit('kubelet', 'fails to start');
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once']);
};
const cutRecord = async (site: Site): Promise<string> => {
  await rotateInVain(site);
  const [entry] = await site.ledger();
  const path = `${LEDGER}/${entry?.id}.json`;
  await cut(site, path);
  return path;
};
/** Links from a directory whose owner could redirect the link. */
const linkAuthority = async ({ node }: Site): Promise<void> => {
  const ca = join(node.root, CERTS, 'ca.crt');
  await node.write('/root/ca.crt', await node.read(`${CERTS}/ca.crt`));
  await unlink(ca);
  await symlink('/root/ca.crt', ca);
  await giveAway(join(node.root, CERTS));
};
let old = '';
const magnumOf = ({ cluster }: Site): string => cluster.heatParams('worker')['MAGNUM_URL'] ?? '';
const keystoneOf = ({ cluster, server }: Site): string => cluster.collectConfig(server).heat.auth_url ?? '';

// prettier-ignore
const NODES: readonly Row[] = [
  {
    node: 'the trust is deleted',
    breaks: ({ cluster }) => cloud.deleteTrust(cluster),
    code: 3, finding: ['trust', undefined, 'http-401'], next: 'agent credentials --from new-params',
  },
  {
    node: "the trustee's password is changed",
    breaks: (site) => site.setParams({ TRUSTEE_PASSWORD: 'another' }),
    code: 3, finding: ['trust', undefined, 'http-401'], next: 'agent credentials --from new-params',
  },
  {
    node: 'Magnum is down',
    breaks: () => cloud.fault({ service: 'magnum', effect: { kind: 'answer', status: 503 } }),
    code: 3, finding: ['magnum-ca', 'kubernetes', 'http-503'], next: (site) => `curl -sS -m 10 ${magnumOf(site)}`,
  },
  {
    node: 'the disk is full',
    breaks: () => undefined, instrument: fullDisk,
    code: 1, finding: ['disk', CERTS, 'full'], next: `df -h ${CERTS}`,
  },
  {
    node: 'the clock is days behind',
    breaks: ({ clock }) => { clock.jump(-3 * 86_400_000); },
    code: 1, finding: ['clock', undefined, 'behind'], next: 'timedatectl',
  },
  {
    node: 'a unit does not start',
    breaks: async (site) => { site.node.units.breakUnit('kubelet', 'fails to start'); await restart(site, 'kubelet'); },
    code: 1, finding: ['unit', 'kubelet', 'failed'], next: 'journalctl -n 50 -u kubelet',
  },
  {
    node: 'a certificate is half-written',
    breaks: async (site) => { await cut(site, `${CERTS}/kubelet.crt`); },
    code: 1, finding: ['certificate', `${CERTS}/kubelet.crt`, 'unreadable'], next: 'agent make-cert --force && agent restart',
  },
  {
    node: 'the CA file is empty',
    breaks: ({ node }) => node.write(`${CERTS}/ca.crt`, ''),
    code: 1, finding: ['certificate', `${CERTS}/ca.crt`, 'unreadable'], next: 'agent make-cert --force && agent restart',
  },
  {
    node: 'a kubeconfig has a syntax error', spec: { layout: 'kubernetes-pki', role: 'master' },
    breaks: ({ node }) => node.write('/etc/kubernetes/admin.conf', 'users: []\nclusters: [\ncontexts: []\n'),
    code: 1, finding: ['kubeconfig', '/etc/kubernetes/admin.conf', 'not-yaml'], next: 'vi +3 /etc/kubernetes/admin.conf',
  },
  {
    node: 'a daemon that was killed has left its lock',
    breaks: ({ node }) => node.write('/run/coe-agent/lock', 'agent run (pid 4194305)\n'),
    code: 0, finding: ['daemon', undefined, 'down'], next: 'systemctl start coe-agent',
  },
  {
    node: 'a generation is stuck',
    breaks: async (site) => {
      site.node.units.breakUnit('kubelet', 'fails to start');
      await cloud.rotateCa(site.cluster);
      await cli(site, ['run-once'], unreadableCopies);
    },
    code: 1, finding: ['generation', undefined, 'stuck'], next: 'agent rollback',
  },
  {
    node: 'agent.yaml belongs to another user',
    breaks: ({ node }) => giveAway(join(node.root, YAML)),
    code: 1, finding: ['permissions', YAML, 'writable'], next: `chown root:root ${YAML} && chmod go-w ${YAML}`,
  },
  {
    node: 'agent.yaml holds a password that others can read',
    breaks: ({ node }) => chmod(join(node.root, YAML), 0o644),
    code: 1, finding: ['permissions', YAML, 'readable'], next: `chmod 600 ${YAML}`,
  },
  {
    node: 'heat-params lacks keys',
    breaks: (site) => site.setParams({ TRUSTEE_PASSWORD: undefined }),
    code: 1, finding: ['heat-params', PARAMS, 'values-missing'], next: `vi ${PARAMS}`,
  },
  {
    node: 'heat-params has an unclosed quote',
    breaks: async ({ node }) => { await node.write(PARAMS, `${await node.read(PARAMS)}# last\nOTHER="open\n`); },
    code: 1, finding: ['heat-params', PARAMS, 'unclosed-quote'], next: (site) => `vi +${Object.keys(site.cluster.heatParams('worker')).length + 2} ${PARAMS}`,
  },
  {
    node: 'a service presents an old leaf',
    breaks: async (site) => { await cli(site, ['make-cert', '--force']); },
    code: 1, finding: ['presented', 'kubelet', 'differs'], next: 'agent restart --unit kubelet',
  },
  {
    node: 'a rotation has gone back',
    breaks: rotateInVain,
    code: 1, finding: ['authority', `${CERTS}/ca.crt`, 'differs'], next: ({ cluster }) => `openstack coe ca rotate ${cluster.uuid}`,
  },
  {
    node: 'a rotation was killed in mid-commit',
    breaks: killInMidCommit,
    code: 1, finding: ['generation', undefined, 'interrupted'], next: 'agent run-once',
  },
  {
    node: 'the record of a deployment is damaged that Heat still lists',
    breaks: async (site) => {
      await cloud.rotateCa(site.cluster);
      await cli(site, ['run-once']);
      await cut(site, `${LEDGER}/${(await site.ledger())[0]?.id}.json`);
    },
    code: 1, finding: ['record', LEDGER, 'damaged'], next: 'agent run-once',
  },
  {
    node: 'the record of an old deployment is damaged',
    breaks: async (site) => { old = await cutRecord(site); },
    code: 1, finding: ['record', LEDGER, 'unlisted'], next: () => `mv ${old} ${old}.damaged`,
  },
  {
    node: 'the record of a deployment is damaged while Heat is down',
    breaks: async (site) => { await cutRecord(site); cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503 } }); },
    code: 1, finding: ['record', LEDGER, 'damaged'], next: 'agent run-once',
  },
  {
    node: "the CA file is a symlink in another user's directory",
    breaks: linkAuthority,
    code: 1, finding: ['disk', `${CERTS}/ca.crt`, 'unreachable'], next: `ls -ld ${CERTS}/ca.crt`,
  },
  {
    node: 'the address of the node has changed',
    breaks: (site) => site.setParams({ KUBE_NODE_IP: '10.0.0.77' }),
    code: 0, finding: ['difference', `${CERTS}/kubelet.crt`, 'names-differ'], next: 'agent repair --dry-run',
  },
  {
    node: 'the CA ends within a month', spec: { validity: { validityDays: 20 } },
    breaks: () => undefined,
    code: 1, finding: ['difference', `${CERTS}/ca.crt`, 'authority-ends'], next: ({ cluster }) => `openstack coe ca rotate ${cluster.uuid}`,
  },
  {
    node: 'Heat hangs', spec: { config: { cloud: { deadline_seconds: 0.5 } } },
    breaks: () => cloud.fault({ service: 'heat', effect: { kind: 'hang' } }),
    code: 3, finding: ['collector', 'heat', 'unanswered'], next: (site) => `curl -sS -m 10 ${keystoneOf(site)}`,
  },
  {
    node: 'there is no systemctl',
    breaks: () => undefined, instrument: withoutSystemctl,
    code: 1, finding: ['unit', 'kubelet', 'unit'], next: 'systemctl status kubelet',
  },
];

test.each(NODES)('$node', async ({ spec, breaks, instrument, code, finding, next }) => {
  const site = await createSite(cloud, spec);
  onTestFinished(cloud.clearFaults);
  await breaks(site);
  const before = await site.files('/');
  const found = await examine(site, instrument);
  const [id, of, reason] = finding;
  const wanted = { id, reason, next: typeof next === 'string' ? next : next(site) };
  expect(found.findings).toContainEqual(
    expect.objectContaining(
      of === undefined ? wanted : { ...wanted, of: expect.stringContaining(of) as unknown },
    ),
  );
  expect(found.code).toBe(code);
  expect(await site.files('/')).toEqual(before);
});

test('mends an empty CA file with the command that it names', async () => {
  const site = await createSite(cloud);
  await site.node.write(`${CERTS}/ca.crt`, '');
  for (const verb of ['plan', 'certs'])
    expect((await cli(site, [verb])).stdout.trimEnd().split('next: ').at(-1)).toBe('agent doctor');
  expect((await cli(site, ['make-cert', '--force'])).code).toBe(0);
  expect((await cli(site, ['restart'])).code).toBe(0);
  expect((await examine(site)).code).toBe(0);
  expect((await cli(site, ['plan'])).stdout).not.toContain('next: ');
});

test('reports all findings although one look fails', async () => {
  const site = await createSite(cloud);
  onTestFinished(cloud.clearFaults);
  await killInMidCommit(site);
  await cut(site, '/var/lib/coe-agent/generation/journal');
  await cut(site, `${CERTS}/ca.crt`);
  cloud.fault({ service: 'heat', effect: { kind: 'answer', status: 503 } });
  const { findings } = await examine(site, withoutSystemctl);
  const bad = findings.filter(({ verdict }) => verdict === 'bad').map(({ id }) => id);
  expect(new Set(bad)).toEqual(new Set(['generation', 'certificate', 'unit', 'collector']));
  const good = findings.filter(({ verdict }) => verdict === 'good').map(({ id }) => id);
  expect(good).toEqual(
    expect.arrayContaining(['configuration', 'heat-params', 'disk', 'trust', 'magnum-ca']),
  );
});

test('reports other findings although Heat hangs, and keeps them on Ctrl-C', async () => {
  const site = await createSite(cloud);
  onTestFinished(cloud.clearFaults);
  await site.node.write(`${LEDGER}/d1.json`, '{');
  cloud.fault({ service: 'heat', effect: { kind: 'hang' } });
  const doctor = site.node.start('doctor');
  let shown = '';
  doctor.stdout?.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  const ended = once(doctor, 'close');
  await eventually('what Magnum serves', () => shown.includes('the kubernetes CA that Magnum serves'));
  expect(doctor.exitCode).toBeNull();
  doctor.kill('SIGINT');
  expect(await ended).toEqual([1, null]);
  expect(shown).toContain(`${LEDGER}/d1.json is damaged`);
  expect(shown).not.toContain('collector heat');
});

test('warns of a CA that a running daemon is about to replace', async () => {
  const site = await createSite(cloud);
  const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', process.pid);
  onTestFinished(lock.release);
  await cloud.rotateCa(site.cluster);
  const { code, findings } = await examine(site);
  const warning = { id: 'authority', verdict: 'warning', reason: 'under-way', next: 'agent status' };
  expect(findings).toContainEqual(expect.objectContaining(warning));
  expect(code).toBe(0);
});

const examineUnasked = async (site: Site): Promise<Found | undefined> => {
  onTestFinished(cloud.clearFaults);
  await cloud.rotateCa(site.cluster);
  cloud.fault({ service: 'heat', effect: { kind: 'answer', body: '{"deployments": []}' } });
  return (await examine(site)).findings.find(({ id }) => id === 'authority');
};

test('reports an unreadable file with its path once, in one finding', async () => {
  const site = await createSite(cloud);
  await unlink(join(site.node.root, CERTS, 'ca.crt'));
  await mkdir(join(site.node.root, CERTS, 'ca.crt'));
  const bad = (await examine(site)).findings.filter(({ verdict }) => verdict === 'bad');
  expect(bad.map(({ id, reason }) => `${id} ${reason}`)).toEqual([
    'certificate unreadable',
    'disk not-a-file',
  ]);
  for (const { what } of bad) expect(what.split(`${CERTS}/ca.crt`)).toHaveLength(2);
});

describe('a CA that Magnum serves before Heat requests anything from this node', () => {
  test("is a warning while the daemon runs, within the stack's time-out", async () => {
    const site = await createSite(cloud);
    const lock = await takeLock(join(site.node.root, 'run/coe-agent/lock'), 'run', process.pid);
    onTestFinished(lock.release);
    expect(await examineUnasked(site)).toMatchObject({ verdict: 'warning', reason: 'under-way' });
    site.clock.jump(3_700_000);
    const { findings } = await examine(site);
    expect(findings).toContainEqual(
      expect.objectContaining({ id: 'authority', verdict: 'bad', reason: 'differs' }),
    );
  });

  test('is bad without a daemon', async () => {
    const site = await createSite(cloud);
    expect(await examineUnasked(site)).toMatchObject({ verdict: 'bad', reason: 'differs' });
  });
});

test('lists the commands for several faults once each, in the order of repair', async () => {
  const site = await createSite(cloud);
  await killInMidCommit(site);
  await chmod(join(site.node.root, YAML), 0o644);
  const { nextSteps } = await examine(site);
  expect(nextSteps).toEqual([
    { command: `chmod 600 ${YAML}`, findings: ['permissions'] },
    { command: 'agent run-once', findings: ['generation', 'certificate'] },
  ]);
});

test('reports a rotation between two phases with its phase', async () => {
  const site = await createSite(cloud, { config: { rotation: { phase: 'trust' } } });
  await cloud.rotateCa(site.cluster);
  await cli(site, ['run-once']);
  const { code, findings } = await examine(site);
  const told = { id: 'rotation', of: 'trust', verdict: 'warning' };
  expect(findings).toContainEqual(expect.objectContaining(told));
  expect(code).toBe(0);
});
