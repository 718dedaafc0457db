import * as v from 'valibot';
import { hostOf } from '../base/address.ts';
import { describeIssues } from '../base/issue.ts';
import { AgentError } from '../base/errors.ts';
import { JsonText } from '../base/json.ts';
import type { AskApi } from './kubernetes-call.ts';

/** Magnum's etcd configuration, written by `configure-etcd.sh`. */
export const ETCD_CONFIG = '/etc/etcd/etcd.conf.yaml';

const urls = v.nullish(v.array(v.string()), []);
const Members = v.pipe(JsonText, v.array(v.object({ name: v.string(), peerURLs: urls, clientURLs: urls })));

/** A member of etcd, with the addresses it advertises. */
export type EtcdMember = { name: string; peer: string | undefined; client: string | undefined };

/**
 * Lists the members of an etcd cluster. Uses the peer port: with a configuration file, etcd 3.4 serves neither the
 * gateway of its v3 API nor a v2 API (measured), and every release lists the members for a joining member.
 *
 * @throws `bad-answer`, or the errors of `ask`
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

/** Counts the members. @throws as `readMembers` */
export const countMembers = async (ask: AskApi, abort: AbortSignal): Promise<number> =>
  (await readMembers(ask, abort)).length;

/** Returns the TLS peer address in an etcd configuration file; undefined if it has none. */
export function peerAddress(config: string): { host: string; port: number } | undefined {
  const [, listed = ''] = /^listen-peer-urls:\s*["']?([^"'\s#]+)/m.exec(config) ?? [];
  const first = listed.split(',').find((one) => one.startsWith('https://') && URL.canParse(one));
  if (first === undefined) return undefined;
  const url = new URL(first);
  return { host: hostOf(url), port: Number(url.port) || 2380 };
}
