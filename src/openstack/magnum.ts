import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { parseJson } from '../base/json.ts';
import { withoutSlash } from '../base/url.ts';
import type { Http, HttpAnswer } from './http.ts';
import { said, statusError } from './status.ts';

export type CaType = 'kubernetes' | 'kubelet' | 'etcd' | 'front-proxy';

/** A cluster's door in Magnum. The token is a trust session's, or one that a deployment brought along. */
export type ClusterAccess = { magnumUrl: string; clusterUuid: string; token: string };

/** Magnum's certificates API, https://docs.openstack.org/api-ref/container-infrastructure-management/ . */
export type Magnum = {
  /** The PEM of a CA, as Magnum gave it: the caller verifies it. */
  readCa(access: ClusterAccess, type: CaType, abort: AbortSignal): Promise<string>;
  /** The PEM of the certificate for a CSR, as Magnum gave it: the caller verifies it. */
  sign(access: ClusterAccess, type: CaType, csr: string, abort: AbortSignal): Promise<string>;
};

const CertificateBody = v.object({ pem: v.string() });

const headers = (access: ClusterAccess): Record<string, string> => ({
  'x-auth-token': access.token,
  'openstack-api-version': 'container-infra latest',
});
const certificates = ({ magnumUrl }: ClusterAccess): string => `${withoutSlash(magnumUrl)}/certificates`;

export function createMagnum(http: Http): Magnum {
  return {
    readCa: async (access, type, abort) => {
      const what = `fetching the ${type} CA of cluster ${access.clusterUuid}`;
      const url = `${certificates(access)}/${encodeURIComponent(access.clusterUuid)}?ca_cert_type=${type}`;
      const answer = await http({ what, method: 'GET', url, headers: headers(access), abort });
      return pemOf(what, answer, 200);
    },

    sign: async (access, type, csr, abort) => {
      const what = `having a certificate signed by the ${type} CA of cluster ${access.clusterUuid}`;
      const answer = await http({
        what,
        method: 'POST',
        url: certificates(access),
        headers: { ...headers(access), 'content-type': 'application/json' },
        body: JSON.stringify({ cluster_uuid: access.clusterUuid, csr, ca_cert_type: type }),
        abort,
      });
      return pemOf(what, answer, 201);
    },
  };
}

function pemOf(what: string, answer: HttpAnswer, hoped: number): string {
  if (answer.status !== hoped && answer.status !== 200) {
    const error = statusError(what, answer);
    if (error.code !== 'cloud-refused') throw error;
    throw new AgentError('cloud-refused', `${what}: Magnum refused with ${answer.status}: ${said(answer)}`);
  }
  const body = v.safeParse(CertificateBody, parseJson(answer.text, what, 'bad-answer'));
  if (!body.success) throw new AgentError('bad-answer', `${what}: the answer has no pem`);
  return body.output.pem;
}
