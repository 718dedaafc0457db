import { hostPort } from '../../src/base/address.ts';
import { certificatesIn } from '../../src/certificates/read.ts';
import { serverFault } from '../../src/certificates/server-fault.ts';
import { createHttp, type Http } from '../../src/openstack/http.ts';
import type { AskApi } from '../../src/services/kubernetes-call.ts';
import type { KubernetesAddress } from '../../src/services/kubernetes.ts';

const DEADLINE_MS = 30_000;
/** The API server is on this node or nearby, so no proxy is used. */
const NO_PROXY = { http: undefined, https: undefined, no: undefined };

/** Opens the door to a Kubernetes API; part of the composition root. */
export const openKubernetesWith =
  (wrap: (http: Http) => Http, now: () => number) =>
  ({ host, port, ca, presents, client, token }: KubernetesAddress): { ask: AskApi; close(): void } => {
    const wanted = { trusted: certificatesIn(ca, 'the CAs'), presents };
    const real = createHttp({
      deadlineMs: DEADLINE_MS,
      ca: () => undefined,
      verify: true,
      proxy: NO_PROXY,
      tls: { ...client, judge: (leaf, at) => serverFault(leaf, at, wanted, now()) },
    });
    const http = wrap(real);
    const origin = `https://${hostPort(host, port)}`;
    const login = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return {
      ask: async ({ what, method, path, body, abort }) =>
        await http({
          what,
          method,
          url: `${origin}${path}`,
          headers: { ...login, ...(body && { 'content-type': body.type }) },
          ...(body && { body: JSON.stringify(body.value) }),
          abort,
        }),
      close: real.close,
    };
  };
