import type { Attempted, Retry } from '../../src/base/retry.ts';
import { given, type HeatParams } from '../../src/metadata/heat-params.ts';
import type { Http } from '../../src/openstack/http.ts';
import type { Keystone } from '../../src/openstack/keystone.ts';
import type { Login } from '../../src/openstack/login.ts';
import { createMagnum } from '../../src/openstack/magnum.ts';
import type { Config } from '../config.ts';
import type { Cluster, Hands } from '../hands.ts';
import { CREDENTIAL, kindOfLogin } from '../node.ts';

/** Opens the cluster in Magnum; part of the composition root. */
export const openClusterWith =
  (config: Config, keystone: Keystone, http: Http, retry: Retry): Hands['openCluster'] =>
  async (params, token, abort, { patient } = { patient: true }) => {
    const magnum = createMagnum(http);
    const forMs = patient ? config.cloud.patience_seconds * 1000 : 0;
    const patience = { baseMs: 500, capMs: 15_000, forMs };
    const at = { magnumUrl: params.get('MAGNUM_URL') ?? '', clusterUuid: params.get('CLUSTER_UUID') ?? '' };
    const login = loginOf(params);
    const ask = async <T>(what: Attempted, use: (token: string) => Promise<T>): Promise<T> =>
      await retry(what, patience, abort, async () =>
        token === undefined
          ? await keystone.authorized(login, abort, async (session) => await use(session.token))
          : await use(token),
      );
    const cluster: Cluster = {
      roles: async () => (await keystone.login(login, abort)).roles,
      // If the trust impersonates, its token names the trustor.
      user: async () =>
        (
          await retry(
            { code: 'log-in', of: login.authUrl, text: 'log in as the trustee alone' },
            patience,
            abort,
            async () => await keystone.login({ ...login, scope: undefined }, abort),
          )
        ).user,
      seeRegion: async () => {
        if (kindOfLogin(params) === 'trustee') return;
        const session = await keystone.login(login, abort);
        session.endpoint('container-infra');
      },
      readCa: async (type, believe) =>
        await ask(
          { code: 'read-ca', of: type, text: `fetch the ${type} CA from Magnum` },
          async (with_) => await believe(await magnum.readCa({ ...at, token: with_ }, type, abort)),
        ),
      sign: async (type, csr, believe) =>
        await ask(
          { code: 'sign', of: type, text: 'have Magnum sign a certificate' },
          async (with_) => await believe(await magnum.sign({ ...at, token: with_ }, type, csr, abort)),
        ),
    };
    if (token === undefined)
      await retry(
        { code: 'log-in', of: login.authUrl, text: 'log in to Keystone' },
        patience,
        abort,
        async () => await keystone.login(login, abort),
      );
    return cluster;
  };

function loginOf(params: HeatParams): Login {
  const common = { authUrl: params.get('AUTH_URL') ?? '', region: given(params, 'REGION_NAME') };
  if (kindOfLogin(params) === 'application-credential') {
    const credential = { id: params.get(CREDENTIAL.id) ?? '' };
    const secret = params.get(CREDENTIAL.secret) ?? '';
    const proof = { method: 'application_credential', credential, secret } as const;
    return { ...common, proof, scope: undefined, side: 'public' };
  }
  // Magnum gives the node no trust unless magnum.conf sets cluster_user_trust.
  const trustId = given(params, 'TRUST_ID');
  return {
    ...common,
    userId: params.get('TRUSTEE_USER_ID') ?? '',
    password: params.get('TRUSTEE_PASSWORD') ?? '',
    scope: trustId === undefined ? undefined : { trustId },
  };
}
