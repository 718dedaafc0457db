import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { describeIssues } from '../base/issue.ts';
import { parseJson } from '../base/json.ts';
import { withoutSlash } from '../base/url.ts';
import type { Http, HttpAnswer } from './http.ts';
import { said, statusError } from './status.ts';

export type CaType = 'kubernetes' | 'kubelet' | 'etcd' | 'front-proxy';

/** Address of a cluster in Magnum. The token belongs to a trust session, or came with a deployment. */
export type ClusterAccess = { magnumUrl: string; clusterUuid: string; token: string };

/** Magnum's certificates API, https://docs.openstack.org/api-ref/container-infrastructure-management/ . */
export type Magnum = {
  /** Reads a cluster by its name or UUID. */
  readCluster(
    access: Pick<ClusterAccess, 'magnumUrl' | 'token'>,
    nameOrId: string,
    abort: AbortSignal,
  ): Promise<ClusterSummary>;
  /** Fetches a CA; returns PEM as received, which the caller must verify. */
  readCa(access: ClusterAccess, type: CaType, abort: AbortSignal): Promise<string>;
  /** Has a CSR signed; returns PEM as received, which the caller must verify. */
  sign(access: ClusterAccess, type: CaType, csr: string, abort: AbortSignal): Promise<string>;
};

/** The data of a cluster that a person's kubeconfig needs. */
export type ClusterSummary = {
  uuid: string;
  name: string;
  /** URL of the cluster's API, once Heat knows it. */
  apiAddress: string | undefined;
};

const ClusterBody = v.object({
  uuid: v.pipe(v.string(), v.nonEmpty()),
  name: v.string(),
  api_address: v.nullish(v.string()),
});
const CertificateBody = v.object({ pem: v.string() });

const headers = ({ token }: Pick<ClusterAccess, 'token'>): Record<string, string> => ({
  'x-auth-token': token,
  'openstack-api-version': 'container-infra latest',
});
const certificates = ({ magnumUrl }: ClusterAccess): string => `${withoutSlash(magnumUrl)}/certificates`;

export function createMagnum(http: Http): Magnum {
  return {
    readCluster: async (access, nameOrId, abort) => {
      const what = `looking for the cluster ${nameOrId}`;
      const url = `${withoutSlash(access.magnumUrl)}/clusters/${encodeURIComponent(nameOrId)}`;
      const answer = await http({ what, method: 'GET', url, headers: headers(access), abort });
      const { uuid, name, api_address: address } = bodyOf(what, answer, 200, ClusterBody);
      return { uuid, name, apiAddress: address || undefined };
    },

    readCa: async (access, type, abort) => {
      const what = `fetching the ${type} CA from Magnum`;
      const url = `${certificates(access)}/${encodeURIComponent(access.clusterUuid)}?ca_cert_type=${type}`;
      const answer = await http({ what, method: 'GET', url, headers: headers(access), abort });
      return bodyOf(what, answer, 200, CertificateBody).pem;
    },

    sign: async (access, type, csr, abort) => {
      const what = `having Magnum sign a certificate with the ${type} CA`;
      const answer = await http({
        what,
        method: 'POST',
        url: certificates(access),
        headers: { ...headers(access), 'content-type': 'application/json' },
        body: JSON.stringify({ cluster_uuid: access.clusterUuid, csr, ca_cert_type: type }),
        abort,
      });
      return bodyOf(what, answer, 201, CertificateBody).pem;
    },
  };
}

function bodyOf<T>(what: string, answer: HttpAnswer, hoped: number, schema: v.GenericSchema<unknown, T>): T {
  if (answer.status !== hoped && answer.status !== 200) {
    const error = statusError(what, answer);
    if (error.code !== 'cloud-refused') throw error;
    throw new AgentError('cloud-refused', `Magnum refused with ${answer.status}: ${said(answer)}`, {
      task: what,
      reason: error.reason,
    });
  }
  const body = v.safeParse(schema, parseJson(answer.text, what, 'bad-answer'));
  if (!body.success)
    throw new AgentError('bad-answer', `the answer is incomplete: ${describeIssues(body.issues)}`, {
      task: what,
      reason: 'incomplete',
    });
  return body.output;
}
