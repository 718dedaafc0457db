import { X509Certificate } from 'node:crypto';
import type { Hands } from '../../../agent/hands.ts';
import { AgentError } from '../../../src/base/errors.ts';
import { certificatesIn, signerOf } from '../../../src/certificates/read.ts';
import type { AskApi } from '../../../src/services/kubernetes-call.ts';
import type { KubernetesAddress } from '../../../src/services/kubernetes.ts';

/** A server that presents this certificate (PEM) and answers like this; without a certificate, none is verified. */
export type FakeServer = { presents: string; ask: AskApi };

export type Network = Pick<Hands, 'presented' | 'openKubernetes'> & {
  /** The connections that were made, and the number of open ones. */
  readonly opened: KubernetesAddress[];
  open(): number;
};

const silent = (code: 'not-yet' | 'cloud-unreachable', host: string): AgentError =>
  new AgentError(code, `${host} does not answer`);
const stopped = new AgentError('aborted', 'stopped');

/** @param servers by `HOST:PORT`; nothing listens elsewhere */
export function networkOf(servers: Readonly<Record<string, FakeServer>>): Network {
  const opened: KubernetesAddress[] = [];
  let closed = 0;
  return {
    opened,
    open: () => opened.length - closed,
    presented: async (host, port, abort) => {
      if (abort.aborted) throw stopped;
      const server = servers[`${host}:${port}`];
      if (!server) throw silent('not-yet', host);
      return await Promise.resolve(new X509Certificate(server.presents));
    },
    openKubernetes: (at) => {
      opened.push(at);
      const server = servers[`${at.host}:${at.port}`];
      return {
        ask: async (request) => {
          if (request.abort.aborted) throw stopped;
          if (!server) throw silent('cloud-unreachable', at.host);
          if (
            server.presents !== '' &&
            !signerOf(new X509Certificate(server.presents), certificatesIn(at.ca, 'the CAs'))
          )
            throw new AgentError('not-yet', `${at.host} is not trusted`, { reason: 'ca-unknown' });
          return await server.ask(request);
        },
        close: () => {
          closed += 1;
        },
      };
    },
  };
}

/** etcd's answer to its peers with this many members: m0 at 10.0.0.5, and those after it. */
export const etcdOf =
  (members: number): AskApi =>
  async ({ path }) => {
    const list = Array.from({ length: members }, (_, index) => ({
      name: `m${index}`,
      peerURLs: [`https://10.0.0.${index + 5}:2380`],
      clientURLs: [`https://10.0.0.${index + 5}:2379`],
    }));
    const isKnown = path === '/members';
    return await Promise.resolve({ status: isKnown ? 200 : 404, headers: {}, text: JSON.stringify(list) });
  };
