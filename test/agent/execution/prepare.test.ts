import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { prepare } from '../../../agent/execution/prepare.ts';
import { readNode } from '../../../agent/node.ts';
import { planRenewal, planRotation } from '../../../agent/rotation/plan.ts';
import type { CertificatesPlan } from '../../../agent/plan/plan.ts';
import { unitsOf } from '../../../agent/plan/units.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { fingerprint, oneCertificate } from '../../../src/certificates/read.ts';
import { ROTATE_ALL } from '../../../src/operation/operation.ts';
import type { Phase } from '../../../src/operation/phase.ts';
import { UnitPlan } from '../../../src/services/unit.ts';
import { RUN_ID, unitPlan } from '../../fakes/generation.ts';
import { CA_FILE, createSwarmNode, KEY_FILE, type SwarmNode } from '../../fakes/swarm.ts';
import { stepsIn } from '../../scenarios/support/notices.ts';
import { NEVER } from '../../src/support/clock.ts';
import { faultIn } from '../../src/support/outcome-of.ts';
import { RUNNING, STOPPED } from '../../src/support/unit-states.ts';

const Recorded = v.object({ run: v.object({ units: v.array(UnitPlan) }) });
const LOG_IN = 'log-in user user with trust trust';

const refuseLogin = async (): Promise<never> =>
  await Promise.reject(new AgentError('login-refused', 'the trust is gone'));

const preparing = async (
  { hands }: SwarmNode,
  plan: Parameters<typeof prepare>[0],
): ReturnType<typeof prepare> => await prepare(plan, { runId: RUN_ID, hands, abort: NEVER });

async function planFor({ hands }: SwarmNode, phase: Phase | 'renew' = 'all'): Promise<CertificatesPlan> {
  const node = await readNode(hands);
  const units = await unitsOf(node, hands, NEVER);
  return phase === 'renew'
    ? planRenewal(node, true, units, hands.config, { paths: [], left: [] })
    : planRotation({ ...ROTATE_ALL, phase }, node, units, hands.config);
}

/** Expects no replaced and no staged files. */
async function expectUntouched(site: SwarmNode): Promise<void> {
  expect(await site.hands.generations.underWay()).toBe(false);
  expect(await site.files('/etc/docker')).toHaveLength(3);
  expect(await site.read(CA_FILE)).toBe(site.former.pem);
}

describe('new certificates', () => {
  test('are staged beside the present ones, with everything that a restarted agent needs', async () => {
    const site = await createSwarmNode();
    const prepared = await preparing(site, await planFor(site));
    expect(stepsIn(site.progress)).toEqual([LOG_IN, 'check', 'issue', 'stage']);
    expect(prepared).toMatchObject({ is: 'staged', tail: { from: 'replace', units: [{ name: 'docker' }] } });
    expect(await site.read(CA_FILE)).toBe(site.former.pem);
    const mark = fingerprint(oneCertificate(site.served.pem, 'the CA'));
    expect(await site.hands.generations.current()).toMatchObject({
      runId: RUN_ID,
      state: 'staging',
      run: {
        units: [{ name: 'docker' }],
        found: [
          { plan: { name: 'etcd' } },
          { plan: { name: 'docker' }, process: { mainPid: RUNNING.mainPid } },
        ],
        outcome: {
          statusCode: 0,
          outputs: { fingerprint: mark, certificates: {} },
        },
      },
    });
    // An optional file that the node lacks.
    expect(site.progress).toContainEqual(
      expect.objectContaining({ event: 'notice', code: 'unit-left-alone', of: 'etcd' }),
    );
  });

  test.each<[Phase, Partial<UnitPlan>]>([
    ['trust', { keepsIdentity: true }],
    ['all', {}],
  ])('the phase %s records how its restarts are proven and reported', async (phase, recorded) => {
    const site = await createSwarmNode();
    await preparing(site, await planFor(site, phase));
    const { run } = v.parse(Recorded, await site.hands.generations.current());
    for (const { keepsIdentity, countsHeld } of run.units)
      expect({ ...(keepsIdentity && { keepsIdentity }), ...(countsHeld && { countsHeld }) }).toEqual(
        recorded,
      );
    expect(run.units).toHaveLength(1);
  });

  test('have keys that are masked from now on', async () => {
    const site = await createSwarmNode();
    const prepared = await preparing(site, await planFor(site));
    const key = prepared.is === 'staged' && prepared.journal.files.find(({ target }) => target === KEY_FILE);
    const body = (await site.read(key ? key.staged : '')).split('\n')[1] ?? '';
    expect(body.length).toBeGreaterThan(40);
    expect(site.hands.secrets.redact(body)).not.toContain(body);
  });

  test('are not requested if the login is refused', async () => {
    const site = await createSwarmNode({ over: { openCluster: refuseLogin } });
    expect(await faultIn(preparing(site, await planFor(site)))).toMatchObject({ code: 'login-refused' });
    expect(stepsIn(site.progress)).toEqual([LOG_IN]);
    await expectUntouched(site);
  });

  test('are not requested if the node does not fit', async () => {
    const site = await createSwarmNode();
    site.units.states.set('docker', { ...RUNNING, load: 'masked' });
    expect(await faultIn(preparing(site, await planFor(site)))).toMatchObject({ code: 'precondition' });
    expect(site.asked).toEqual([]);
    await expectUntouched(site);
  });

  test('come from the CA that was compared, even if Magnum rotates in between', async () => {
    const site = await createSwarmNode();
    await site.write(CA_FILE, site.former.pem + site.served.pem, 0o644);
    expect(await preparing(site, await planFor(site, 'reissue'))).toMatchObject({ is: 'staged' });
    expect(stepsIn(site.progress)).toEqual([LOG_IN, 'check', 'compare', 'issue', 'stage']);
    expect(site.asked).toEqual(['ca kubernetes', 'sign kubernetes']);
  });
});

describe('a phase', () => {
  test('that the node has reached leaves nothing to do, and issues nothing', async () => {
    const site = await createSwarmNode({ isCurrent: true });
    expect(await preparing(site, await planFor(site, 'reissue'))).toMatchObject({
      is: 'nothing-to-do',
      outcome: { statusCode: 0 },
    });
    expect(site.asked).toEqual(['ca kubernetes']);
    await expectUntouched(site);
  });

  test('that comes too early is rejected before anything is issued', async () => {
    const site = await createSwarmNode();
    expect(await faultIn(preparing(site, await planFor(site, 'reissue')))).toEqual({
      code: 'precondition',
      reason: 'trust-first',
    });
    expect(site.asked).toEqual(['ca kubernetes']);
    await expectUntouched(site);
  });

  test('that changes no file restarts nothing', async () => {
    const site = await createSwarmNode({ isCurrent: true });
    expect(await preparing(site, await planFor(site, 'trust'))).toMatchObject({
      is: 'staged',
      tail: { units: [] },
      journal: { files: [], run: { outcome: { statusCode: 0, outputs: {} } } },
    });
  });
});

describe('a renewal', () => {
  test('is rejected after a rotation that this node has missed', async () => {
    const site = await createSwarmNode();
    expect(await faultIn(preparing(site, await planFor(site, 'renew')))).toEqual({
      code: 'precondition',
      reason: 'rotation-missed',
    });
    await expectUntouched(site);
  });

  test('discards certificates that expire no later than the present ones', async () => {
    const site = await createSwarmNode({ isCurrent: true });
    expect(await preparing(site, await planFor(site, 'renew'))).toMatchObject({ is: 'nothing-to-do' });
    expect(site.asked).toContain('sign kubernetes');
    await expectUntouched(site);
  });
});

test('records readers of revocation lists, although only some are restarted', async () => {
  const site = await createSwarmNode();
  site.units.states.set('etcd', STOPPED);
  const [etcd, docker] = [unitPlan('etcd', { required: false }), unitPlan('docker')];
  const path = '/etc/docker/client.crl';
  const file = { path, content: 'list', owner: 'root', group: 'root', mode: 0o644, directoryMode: 0o755 };
  const lists = [etcd, docker].map((plan) => ({ unitPlan: plan, file: path, rereads: true }));
  const stage = { do: 'stage-files', files: [file], units: [docker], lists, said: ['one'] } as const;
  const check = { do: 'check', paths: [path], units: [docker] } as const;
  expect(await preparing(site, { kind: 'lists', check, stage })).toMatchObject({
    tail: { from: 'replace', units: [docker], lists },
    journal: {
      run: {
        found: [{ plan: etcd, process: { active: 'inactive' } }, { plan: docker }],
        outcome: { statusCode: 0, outputs: { files: [path] } },
      },
    },
  });
});
