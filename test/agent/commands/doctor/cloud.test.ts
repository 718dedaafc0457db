import { describe, expect, test } from 'vitest';
import { lookAtCloud } from '../../../../agent/commands/doctor/cloud.ts';
import type { Cluster, Hands } from '../../../../agent/hands.ts';
import { createExamination } from '../../../../agent/inspection/examination.ts';
import type { Finding } from '../../../../agent/inspection/finding.ts';
import { takeInventory } from '../../../../agent/inspection/inventory.ts';
import { AgentError } from '../../../../src/base/errors.ts';
import type { Collector } from '../../../../src/metadata/collector.ts';
import { createHands } from '../../../fakes/hands.ts';
import { NEVER } from '../../../src/support/clock.ts';
import { rawDeployment } from '../../../src/support/deployments.ts';
import { caOf, type Generation, newGeneration, nodeOf, writeCertificates } from '../../support/node.ts';

const TRUSTEE = {
  AUTH_URL: 'http://k/v3',
  TRUSTEE_USER_ID: 'u1',
  TRUSTEE_PASSWORD: 'geheim-7',
  TRUST_ID: 't1',
};
const CREDENTIAL = { APPLICATION_CREDENTIAL_ID: 'i1', APPLICATION_CREDENTIAL_SECRET: 's1' };
const CA_FILE = '/etc/kubernetes/certs/ca.crt';
const CONFIG = '/etc/coe-agent/agent.yaml';
const present = newGeneration();

const brings = (name: Collector['name'], text: string): Collector => ({
  name,
  collect: async () => await Promise.resolve([{ source: name, text }]),
});
const fails = (name: Collector['name'], error: AgentError): Collector => ({
  name,
  collect: async () => await Promise.reject(error),
});
const heat = (...deployments: unknown[]): Collector => brings('heat', JSON.stringify({ deployments }));

/** Magnum with these CAs. @param asked receives each CA that is read */
const clusterOf = (
  served: Generation,
  roles: readonly string[],
  asked: string[] = [],
): Hands['openCluster'] => {
  const cluster: Cluster = {
    roles: async () => await Promise.resolve(roles),
    user: async () => await Promise.resolve(undefined),
    seeRegion: async () => {
      await Promise.resolve();
    },
    readCa: async (type, believe) => {
      asked.push(type);
      return await believe(caOf(served, type).pem);
    },
    sign: async () => await Promise.reject(new Error('nothing is signed')),
  };
  return async () => await Promise.resolve(cluster);
};

type Spec = {
  role?: 'master' | 'worker';
  params?: Record<string, string>;
  collectors?: Collector[];
  openCluster?: Hands['openCluster'];
  isRunning?: boolean;
  over?: Partial<Hands>;
  files?: Record<string, string>;
};

/** Makes a node with present certificates, and returns what the cloud's part of the examination finds. */
async function examine(spec: Spec = {}): Promise<Finding[]> {
  const { role = 'worker', params = TRUSTEE, collectors = [heat()] } = spec;
  const openCluster = spec.openCluster ?? clusterOf(present, ['member']);
  const made = await createHands({
    over: { collectors, openCluster, ...spec.over },
    ...(spec.files && { files: spec.files }),
  });
  const node = nodeOf(role, params);
  await writeCertificates(node, made, present);
  const now = made.clock.now();
  const holdings = await takeInventory(made.disk, node.layout, now);
  const holder = spec.isRunning ? { name: 'agent run (pid 7)', verb: 'run', since: 0 } : undefined;
  const activity = { holder, entries: [], now, deadlineMs: 1_200_000 };
  const examination = createExamination(() => undefined, NEVER);
  await lookAtCloud({ node, holdings, activity, phase: null }, made.hands, examination, NEVER);
  return [...examination.findings];
}

const about = (findings: readonly Finding[], id: Finding['id']) => findings.filter((one) => one.id === id);
const fail =
  (refusal: AgentError): Hands['openCluster'] =>
  async () =>
    await Promise.reject(refusal);

test('is satisfied with a cloud that answers', async () => {
  const found = await examine();
  expect(about(found, 'collector')).toMatchObject([{ of: 'heat', verdict: 'good' }]);
  expect(about(found, 'trust')).toMatchObject([{ verdict: 'good', url: 'http://k/v3' }]);
  expect(about(found, 'trust-roles')).toMatchObject([{ verdict: 'good' }]);
  expect(about(found, 'magnum-ca')).toMatchObject([{ of: 'kubernetes', verdict: 'good' }]);
  expect(about(found, 'authority')).toMatchObject([{ of: CA_FILE, verdict: 'good' }]);
  expect(found.filter(({ verdict }) => verdict === 'bad')).toEqual([]);
});

test('asks Magnum for every CA of a master', async () => {
  const asked: string[] = [];
  const openCluster = clusterOf(present, ['member'], asked);
  const found = await examine({ role: 'master', openCluster });
  expect(new Set(asked)).toEqual(new Set(nodeOf('master').layout.authorities.map(({ ca }) => ca)));
  expect(about(found, 'magnum-ca')).toHaveLength(asked.length);
});

describe('a collector', () => {
  test.each([
    ['heat', new AgentError('cloud-unreachable', 'away'), { verdict: 'bad', reason: 'unanswered' }],
    [
      'heat',
      new AgentError('login-refused', 'no'),
      { verdict: 'bad', reason: 'refused', next: `vi ${CONFIG}` },
    ],
    [
      'cfn',
      new AgentError('config', 'empty', { reason: 'ca-file-empty' }),
      { verdict: 'bad', reason: 'refused', next: 'vi /etc/kubernetes/ca-bundle.crt' },
    ],
    ['ec2', new AgentError('cloud-unreachable', 'away'), { verdict: 'warning', reason: 'unanswered' }],
  ] as const)('%s that fails with %s', async (name, error, expected) => {
    expect(about(await examine({ collectors: [fails(name, error)] }), 'collector')).toMatchObject([
      { of: name, ...expected },
    ]);
  });

  test('that fails hides no other one', async () => {
    const collectors = [fails('heat', new AgentError('cloud-unreachable', 'away')), brings('local', '{}')];
    expect(about(await examine({ collectors }), 'collector')).toMatchObject([
      { of: 'heat', verdict: 'bad' },
      { of: 'local', verdict: 'good' },
    ]);
  });

  test('reports metadata that cannot be decoded', async () => {
    const collectors = [heat(rawDeployment({}, { group: 7 }))];
    expect(about(await examine({ collectors }), 'metadata')).toMatchObject([
      { verdict: 'bad', reason: 'bad-deployment' },
    ]);
  });
});

describe('a damaged record', () => {
  const ID = 'gone-1';
  const files = { [`/var/lib/coe-agent/deployments/${ID}.json`]: '{' };
  const record = async (collectors: Collector[]) => about(await examine({ files, collectors }), 'record');

  test('that Heat does not list is reported', async () => {
    expect(await record([heat()])).toMatchObject([{ verdict: 'bad', reason: 'unlisted' }]);
    expect(await record([heat(rawDeployment({}, { id: ID }))])).toEqual([]);
  });

  test('may be listed by a collector that does not answer', async () => {
    const silent = fails('cfn', new AgentError('cloud-unreachable', 'away'));
    expect(await record([heat(), silent])).toEqual([]);
  });
});

describe('the login', () => {
  const refused = new AgentError('login-refused', 'no', { reason: 'http-401' });

  test.each([
    ['a trust', TRUSTEE, 'agent credentials --from new-params'],
    ['an application credential', { ...TRUSTEE, ...CREDENTIAL }, 'curl -sS -m 10 http://k/v3'],
  ])('by %s that Keystone rejects has its own next command', async (_, params, next) => {
    const found = await examine({ params, openCluster: fail(refused) });
    expect(about(found, 'trust')).toMatchObject([{ verdict: 'bad', reason: 'http-401', next }]);
    expect([...about(found, 'trust-roles'), ...about(found, 'magnum-ca')]).toEqual([]);
  });

  test('without a readable CA bundle leads to the bundle', async () => {
    const empty = new AgentError('config', 'empty', { reason: 'ca-file-empty' });
    expect(about(await examine({ openCluster: fail(empty) }), 'trust')).toMatchObject([
      { verdict: 'bad', reason: 'ca-file-empty', next: 'vi /etc/kubernetes/ca-bundle.crt' },
    ]);
  });

  test.each([
    [{ ...TRUSTEE, TRUST_ID: '' }, ['member'], 'no-trust'],
    [TRUSTEE, ['member', 'admin'], 'more-than-needed'],
    [TRUSTEE, ['reader'], 'member-missing'],
  ])('with %o and the roles %j has the warning %s', async (params, roles, reason) => {
    const found = await examine({ params, openCluster: clusterOf(present, roles) });
    expect(about(found, 'trust-roles')).toMatchObject([{ verdict: 'warning', reason }]);
  });
});

describe('another CA at Magnum', () => {
  const other = clusterOf(newGeneration(), ['member']);
  const authority = async (spec: Spec) => about(await examine({ openCluster: other, ...spec }), 'authority');
  const creation_time = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const rotation = heat(rawDeployment({}, { creation_time }));

  test('is a missed rotation if none is pending', async () => {
    expect(await authority({})).toMatchObject([
      { of: CA_FILE, verdict: 'bad', next: expect.stringMatching(/^openstack coe ca rotate /) as unknown },
    ]);
  });

  test('waits for the next pass if a rotation is pending and no daemon runs', async () => {
    expect(await authority({ collectors: [rotation] })).toMatchObject([
      { verdict: 'bad', reason: 'differs', next: 'agent run-once' },
    ]);
  });

  test('is a rotation under way if the daemon runs and the rotation is new', async () => {
    expect(await authority({ collectors: [rotation], isRunning: true })).toMatchObject([
      { verdict: 'warning', reason: 'under-way' },
    ]);
  });

  test('does not count a deployment that rotates nothing', async () => {
    const script = heat(rawDeployment({}, { creation_time, group: 'script' }));
    expect((await authority({ collectors: [script] }))[0]?.next).toMatch(/^openstack /);
  });
});

test.each([
  [true, 'good'],
  [false, 'warning'],
])('reports a polling override that is settled: %s', async (isSettled, verdict) => {
  const pollingOverride = {
    describe: () => ({ state: 'trial', isSettled, text: 'polls otherwise' }) as const,
    observe: async () => await Promise.resolve(false),
    apply: async () => await Promise.resolve(false),
  };
  expect(about(await examine({ over: { pollingOverride } }), 'polling-override')).toMatchObject([
    { verdict, reason: 'trial' },
  ]);
});

test('compares the clocks after the cloud has answered', async () => {
  let skew: number | undefined;
  const openCluster: Hands['openCluster'] = async (...args) => {
    skew = -2 * 86_400_000;
    return await clusterOf(present, ['member'])(...args);
  };
  const found = await examine({ openCluster, over: { skewMs: () => skew } });
  expect(about(found, 'clock')).toMatchObject([{ verdict: 'bad', reason: 'behind' }]);
});
