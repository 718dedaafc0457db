import * as v from 'valibot';
import { hostOf } from '../base/address.ts';
import { describeIssues } from '../base/issue.ts';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import type { AskApi } from './kubernetes-call.ts';

/** Where Magnum configures etcd: `configure-etcd.sh`. */
export const ETCD_CONFIG = '/etc/etcd/etcd.conf.yaml';

const urls = v.nullish(v.array(v.string()), []);
const Members = v.pipe(JsonText, v.array(v.object({ name: v.string(), peerURLs: urls, clientURLs: urls })));

/** A member of etcd, with the addresses that it has told the others. */
export type EtcdMember = { name: string; peer: string | undefined; client: string | undefined };

/**
 * The members of the cluster of an etcd. It is asked where its peers ask it: with a configuration file etcd 3.4
 * has neither the gateway of its v3 API nor a v2 one (measured), and every release tells a member that joins.
 *
 * @throws `bad-answer`, or what the door throws
 */
export async function readMembers(ask: AskApi, abort: AbortSignal): Promise<EtcdMember[]> {
  const what = 'asking etcd for its members';
  const { status, text } = await ask({ what, method: 'GET', path: '/members', abort });
  const members = v.safeParse(Members, text);
  if (status !== 200) throw new AgentError('bad-answer', `${what}: it says ${status}`);
  if (!members.success) throw new AgentError('bad-answer', `${what}: ${describeIssues(members.issues)}`);
  return members.output.map(({ name, peerURLs, clientURLs }) => ({
    name,
    peer: secureOf(peerURLs),
    client: secureOf(clientURLs),
  }));
}

const secureOf = (list: readonly string[] | null): string | undefined =>
  list?.find((one) => one.startsWith('https://') && URL.canParse(one));

/** How many they are. @throws as `readMembers` */
export const countMembers = async (ask: AskApi, abort: AbortSignal): Promise<number> =>
  (await readMembers(ask, abort)).length;

/** Where an etcd listens for its peers, by its configuration file; undefined where that says no TLS address. */
export function peerAddress(config: string): { host: string; port: number } | undefined {
  const [, listed = ''] = /^listen-peer-urls:\s*["']?([^"'\s#]+)/m.exec(config) ?? [];
  const first = listed.split(',').find((one) => one.startsWith('https://') && URL.canParse(one));
  if (first === undefined) return undefined;
  const url = new URL(first);
  return { host: hostOf(url), port: Number(url.port) || 2380 };
}
