import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as v from 'valibot';
import { call, type Reply } from '../cloud/call.ts';
import { token } from '../cloud/client.ts';
import { at, parseObject } from '../cloud/exchange.ts';
import type { Release } from '../cloud/magnum-policy.ts';
import type { Place as PlaceSchema } from './coordinates.ts';
import { eventually } from './doors.ts';

type Place = v.InferOutput<typeof PlaceSchema>;

/** Two clusters of one owner, one of them without TLS, and other users. */
export type Roles = {
  release: Release;
  cluster: Place;
  noTls: Place;
  /** A token of the owner of both. */
  owner(): Promise<string>;
  /** A token of a new user with this role in the clusters' project, or in another. */
  newUser(role: 'member' | 'reader', where: 'here' | 'elsewhere'): Promise<string>;
  close(): Promise<void>;
};

/** Magnum's access rules for the certificates of a cluster, on any cloud. */
export function rolesContract(name: string, connect: () => Promise<Roles>): void {
  describe(`${name}: who may do what`, () => {
    let roles: Roles;
    beforeAll(async () => {
      roles = await connect();
    });
    afterAll(async () => {
      await roles.close();
    });

    const ask = async (
      method: string,
      path: string,
      authToken: string,
      body?: Record<string, unknown>,
    ): Promise<Reply> =>
      await call(`${roles.cluster.heat_params.MAGNUM_URL}${path}`, {
        method,
        headers: { 'X-Auth-Token': authToken, 'OpenStack-API-Version': 'container-infra latest' },
        ...(body && { body }),
      });
    const rotate = async (authToken: string, place = roles.cluster): Promise<Reply> =>
      await ask('PATCH', `/certificates/${place.cluster.uuid}`, authToken, {});
    /** The status of reading the CA, and of sending an invalid request: 400 if signing is allowed. */
    const use = async (authToken: string): Promise<number[]> => {
      const { uuid } = roles.cluster.cluster;
      const read = await ask('GET', `/certificates/${uuid}?ca_cert_type=etcd`, authToken);
      const body = { cluster_uuid: uuid, csr: 'junk', ca_cert_type: 'etcd' };
      const signed = await ask('POST', '/certificates', authToken, body);
      return [read.status, signed.status];
    };
    const trust = async (): Promise<string> => {
      const params = roles.cluster.heat_params;
      const user = { id: params.TRUSTEE_USER_ID, password: params.TRUSTEE_PASSWORD };
      return await token(params.AUTH_URL, user, { 'OS-TRUST:trust': { id: params.TRUST_ID } });
    };
    /** Rotates, and waits until the cluster is idle again. */
    const rotated = async (authToken: string): Promise<number> => {
      const { status } = await rotate(authToken);
      const owner = await roles.owner();
      const cluster = async (): Promise<string> =>
        String(
          at(
            parseObject((await ask('GET', `/clusters/${roles.cluster.cluster.uuid}`, owner)).text),
            'status',
          ),
        );
      await eventually(cluster, (one) => one.endsWith('_COMPLETE'), 'the cluster at rest');
      return status;
    };

    test("the owner and the nodes' trust may read the CA, sign certificates, and rotate", async () => {
      for (const authToken of [await trust(), await roles.owner()]) {
        expect(await use(authToken)).toEqual([200, 400]);
        expect(await rotated(authToken)).toBe(202);
      }
    });

    test('another member of the project may neither read nor sign, but rotate', async () => {
      const member = await roles.newUser('member', 'here');
      expect(await use(member)).toEqual([403, 403]);
      expect(await rotated(member)).toBe(202);
    });

    test('a reader may neither read nor sign, and may rotate if Magnum does not check roles', async () => {
      const reader = await roles.newUser('reader', 'here');
      expect(await use(reader)).toEqual([403, 403]);
      const refused = await rotate(reader, roles.noTls);
      if (roles.release === 'zed') expect(await rotated(reader)).toBe(202);
      else expect(refused.text).toContain("Policy doesn't allow certificate:rotate_ca to be performed");
      expect(refused.status).toBe(roles.release === 'zed' ? 400 : 403);
    });

    test('a member of another project cannot see the cluster', async () => {
      const member = await roles.newUser('member', 'elsewhere');
      expect(await use(member)).toEqual([404, 400]);
      expect((await rotate(member)).status).toBe(404);
    });

    test('a cluster without TLS cannot be rotated', async () => {
      const { status, text } = await rotate(await roles.owner(), roles.noTls);
      expect(status).toBe(400);
      expect(text).toContain('Rotating the CA certificate on a non-TLS cluster is not supported');
    });
  });
}
