import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '../../src/base/errors.ts';
import type { CaType } from '../../src/openstack/magnum.ts';
import { altNames, makeCsr } from '../cloud/make-csr.ts';
import { agentErrorOf, faultIn } from '../src/support/outcome-of.ts';
import type { Coordinates } from './coordinates.ts';
import { type Deployment, type Doors, eventually, inputsOf, openDoors, settled } from './doors.ts';

/** Two clusters of one server each, with HEAT_SIGNAL and with CFN_SIGNAL. */
export type Connected = { heatSignal: Coordinates; cfnSignal: Coordinates; close(): Promise<void> };

const DAY = 86_400_000;
const codeFrom = async (attempt: Promise<unknown>): Promise<unknown> =>
  await attempt.then(() => 'no error', codeOf);

/**
 * Requirements of the agent on any cloud, tested with the agent's own clients, and with plain requests if the shape of
 * an answer matters.
 */
export function contract(name: string, connect: () => Promise<Connected>): void {
  describe(name, () => {
    let connected: Connected;
    let doors: Doors;
    beforeAll(async () => {
      connected = await connect();
      doors = openDoors(connected.heatSignal);
    });
    afterAll(async () => {
      doors.close();
      await connected.close();
    });

    const readCa = async (type: CaType): Promise<string> =>
      await doors.magnum.readCa(await doors.access(), type, doors.abort);

    test('a trust login returns a token and the addresses of the services', async () => {
      const session = await doors.trusted();
      expect(session.token).not.toBe('');
      expect(session.endpoint('container-infra')).toBe(doors.at.heat_params.MAGNUM_URL);
      expect(session.endpoint('orchestration')).toMatch(/^http.*\/v1\/[0-9a-f]{32}$/);
    });

    test('a wrong password and an unknown trust are rejected', async () => {
      const { keystone, trustLogin, abort } = doors;
      const wrong = { ...trustLogin, password: 'wrong' };
      const unknown = { ...trustLogin, scope: { trustId: '0'.repeat(32) } };
      expect(await codeFrom(keystone.login(wrong, abort))).toBe('login-refused');
      expect(await codeFrom(keystone.login(unknown, abort))).toBe('login-refused');
    });

    test('an invalid token is unauthorized at every service', async () => {
      const { magnum, heat, abort, poller } = doors;
      const session = { ...(await doors.trusted()), token: 'none' };
      const of = { stackId: poller.stack_id, resourceName: poller.resource_name };
      const access = { ...(await doors.access()), token: 'none' };
      expect(await codeFrom(magnum.readCa(access, 'etcd', abort))).toBe('unauthorized');
      expect(await codeFrom(heat.readMetadata(session, of, abort))).toBe('unauthorized');
    });

    test('there are three CAs with one name; kubelet and unknown types return the CA of kubernetes', async () => {
      const [kubernetes, etcd, frontProxy] = [
        await readCa('kubernetes'),
        await readCa('etcd'),
        await readCa('front-proxy'),
      ];
      expect(new Set([kubernetes, etcd, frontProxy]).size).toBe(3);
      expect(await readCa('kubelet')).toBe(kubernetes);
      for (const pem of [kubernetes, etcd, frontProxy]) {
        const ca = new X509Certificate(pem);
        expect(ca.verify(ca.publicKey)).toBe(true);
        expect(ca).toMatchObject({ ca: true, subject: `CN=${doors.at.cluster.name}` });
      }
      const url = `${doors.at.heat_params.MAGNUM_URL}/certificates/${doors.at.cluster.uuid}`;
      const unknown = await doors.raw('GET', `${url}?ca_cert_type=foo`);
      expect(await unknown.json()).toEqual({
        bay_uuid: doors.at.cluster.uuid,
        cluster_uuid: doors.at.cluster.uuid,
        links: [
          { href: url, rel: 'self' },
          { href: url.replace('/v1/', '/'), rel: 'bookmark' },
        ],
        pem: kubernetes,
      });
    });

    test.each([
      ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
      ['EC P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
      ['Ed25519', generateKeyPairSync('ed25519')],
    ])('a request with an %s key is signed by the CA, valid from yesterday', async (_kind, keys) => {
      const csr = makeCsr(keys, 'etcd', [altNames('10.0.0.5', 'kubernetes')]);
      const pem = await doors.magnum.sign(await doors.access(), 'etcd', csr, doors.abort);
      const [leaf, ca] = [new X509Certificate(pem), new X509Certificate(await readCa('etcd'))];
      expect(leaf.verify(ca.publicKey)).toBe(true);
      expect(leaf.checkPrivateKey(keys.privateKey)).toBe(true);
      expect(leaf).toMatchObject({
        subject: 'CN=etcd',
        issuer: ca.subject,
        ca: false,
        subjectAltName: 'IP Address:10.0.0.5, DNS:kubernetes',
      });
      expect(Math.abs(Date.now() - DAY - leaf.validFromDate.getTime())).toBeLessThan(300_000);
      expect((leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / DAY).toBeCloseTo(5 * 365 + 1, 3);
    });

    test("an invalid request is rejected in Magnum's words", async () => {
      const { magnum, abort } = doors;
      const refused = await agentErrorOf(magnum.sign(await doors.access(), 'etcd', 'junk', abort));
      expect(refused).toMatchObject({ code: 'cloud-refused', reason: 'http-400' });
      expect(refused.message).toContain(": Received invalid csr b'junk'.");
    });

    test('an unknown cluster is rejected, for reading and for signing', async () => {
      const access = { ...(await doors.access()), clusterUuid: '00000000-0000-4000-8000-000000000000' };
      const read = await agentErrorOf(doors.magnum.readCa(access, 'etcd', doors.abort));
      const sign = await agentErrorOf(doors.magnum.sign(access, 'etcd', 'junk', doors.abort));
      expect([read, sign]).toMatchObject([
        { code: 'cloud-refused', reason: 'http-404' },
        { code: 'cloud-refused', reason: 'http-400' },
      ]);
      for (const { message } of [read, sign]) expect(message).toMatch(/: Cluster .* could not be found/);
    });

    test("the server's metadata repeats how to poll, and has no deployments at first", async () => {
      expect(await doors.metadata()).toEqual({
        deployments: [],
        'os-collect-config': doors.at.servers[0].os_collect_config,
      });
    });

    test('a poller may read only its own resource', async () => {
      const session = await doors.keystone.login(doors.userLogin(doors.poller), doors.abort);
      const read = async (stackId: string, resourceName: string) =>
        await doors.heat.readMetadata(session, { stackId, resourceName }, doors.abort);
      expect(await faultIn(read(doors.poller.stack_id, 'nope'))).toEqual({
        code: 'cloud-refused',
        reason: 'http-403',
      });
      expect(await faultIn(read('nope/00000000-0000-4000-8000-000000000000', 'x'))).toEqual({
        code: 'cloud-refused',
        reason: 'http-404',
      });
    });

    test('a rotation is answered by HEAT_SIGNAL; the old CA is gone, and a late signal is ignored', async () => {
      const before = new X509Certificate(await readCa('etcd'));
      const deployment = await rotate(doors);
      const after = new X509Certificate(await readCa('etcd'));
      expect(after.subject).toBe(before.subject);
      expect(after.verify(before.publicKey)).toBe(false);
      expect(deployment).toMatchObject({ group: 'coe-rotate', options: {} });
      const inputs = inputsOf(deployment);
      expect(inputs).toMatchObject({ deploy_action: 'UPDATE', deploy_signal_transport: 'HEAT_SIGNAL' });
      expect(inputs['kube_service_account_key_input']).toMatch(/^-----BEGIN PUBLIC KEY-----\\n.*-----\\n$/);
      expect(await patch(doors)).toBe(400);

      const signal = async (body: unknown): Promise<void> => await signalHeat(doors, deployment, body);
      await signal({ deploy_stdout: '', deploy_stderr: '', deploy_status_code: 0 });
      await eventually(doors.stackStatus, (status) => status === 'UPDATE_COMPLETE', 'UPDATE_COMPLETE');
      await signal({ deploy_status_code: 1 });
      expect(await doors.stackStatus()).toBe('UPDATE_COMPLETE');
    });

    test('a signal that is too long, and one to an unknown resource, are rejected', async () => {
      const session = await doors.trusted();
      const send = async (resourceName: string, body: string) =>
        await doors.heat.signalResource(
          session,
          { stackId: doors.poller.stack_id, resourceName },
          body,
          doors.abort,
        );
      const long = JSON.stringify({ deploy_stdout: 'x'.repeat(1_048_576) });
      const resource = inputsOf(await only(doors))['deploy_resource_name'] ?? '';
      expect(await codeFrom(send(resource, long))).toBe('cloud-refused');
      expect(await codeFrom(send('nope', '{}'))).toBe('cloud-refused');
    });

    test('a failure is rolled back, its deployment is gone, and the cluster can be rotated again', async () => {
      await settled(doors);
      const failed = await rotate(doors);
      await signalHeat(doors, failed, { deploy_status_code: 1, deploy_stderr: 'no' });
      await eventually(doors.stackStatus, (status) => status === 'ROLLBACK_COMPLETE', 'ROLLBACK_COMPLETE');
      expect((await doors.metadata()).deployments).toEqual([]);
      await settled(doors);
      const next = await rotate(doors);
      expect(next.id).not.toBe(failed.id);
      await signalHeat(doors, next, {});
      await eventually(doors.stackStatus, (status) => status === 'UPDATE_COMPLETE', 'UPDATE_COMPLETE');
    });

    test('a rotation is answered at a pre-signed address, which cannot be modified', async () => {
      const other = openDoors(connected.cfnSignal);
      const inputs = inputsOf(await rotate(other));
      expect(inputs).toMatchObject({ deploy_signal_transport: 'CFN_SIGNAL', deploy_signal_verb: 'POST' });
      const url = inputs['deploy_signal_id'] ?? '';
      const send = async (to: string, body: unknown): Promise<void> =>
        await other.heat.signalAddress(to, 'POST', JSON.stringify(body), other.abort);
      const altered = url.replace(/Signature=[^&]*/, 'Signature=AAAA');
      expect(await codeFrom(send(altered, {}))).toBe('cloud-refused');
      await send(url, { deploy_status_code: 0 });
      await eventually(other.stackStatus, (status) => status === 'UPDATE_COMPLETE', 'UPDATE_COMPLETE');
      await send(url, { deploy_status_code: 1 });
      expect(await other.stackStatus()).toBe('UPDATE_COMPLETE');
      other.close();
    });
  });
}

const certificatesUrl = ({ at }: Doors): string =>
  `${at.heat_params.MAGNUM_URL}/certificates/${at.cluster.uuid}`;

const patch = async (doors: Doors): Promise<number> =>
  (await doors.raw('PATCH', certificatesUrl(doors), {})).status;

async function only(doors: Doors): Promise<Deployment> {
  const [deployment] = (await doors.metadata()).deployments;
  if (!deployment) throw new Error('the server has no deployment');
  return deployment;
}

/** Rotates the CA, and returns the resulting deployment. */
async function rotate(doors: Doors): Promise<Deployment> {
  const known = (await doors.metadata()).deployments.map(({ id }) => id);
  expect(await patch(doors)).toBe(202);
  const fresh = ({ deployments }: { deployments: Deployment[] }) =>
    deployments.find(({ id }) => !known.includes(id));
  const metadata = await eventually(doors.metadata, (one) => fresh(one) !== undefined, 'a new deployment');
  return fresh(metadata) ?? (await only(doors));
}

async function signalHeat(doors: Doors, deployment: Deployment, body: unknown): Promise<void> {
  const inputs = inputsOf(deployment);
  const user = {
    auth_url: inputs['deploy_auth_url'] ?? '',
    user_id: inputs['deploy_user_id'] ?? '',
    password: inputs['deploy_password'] ?? '',
    project_id: inputs['deploy_project_id'] ?? '',
  };
  const session = await doors.keystone.login(doors.userLogin(user), doors.abort);
  const to = { stackId: inputs['deploy_stack_id'] ?? '', resourceName: inputs['deploy_resource_name'] ?? '' };
  await doors.heat.signalResource(session, to, JSON.stringify(body), doors.abort);
}
