import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { parseExactJson } from '../base/exact-json.ts';
import { withoutQuery } from '../base/presigned.ts';
import type { Http } from './http.ts';
import { statusError } from './status.ts';
import type { Session } from './keystone.ts';

/** A resource of a stack. `stackId` is `name/uuid`, as Heat writes it into a node's configuration. */
export type StackResource = { stackId: string; resourceName: string };

/** Heat's orchestration API, https://docs.openstack.org/api-ref/orchestration/v1/ . */
export type Heat = {
  /** Reads the metadata of a server resource; returns the text of a JSON object. */
  readMetadata(session: Session, of: StackResource, abort: AbortSignal): Promise<string>;
  /** Sends a HEAT_SIGNAL. Resolves when Heat has acknowledged it. */
  signalResource(session: Session, to: StackResource, body: string, abort: AbortSignal): Promise<void>;
  /** Sends a CFN_SIGNAL to a pre-signed address that carries its own authorization. */
  signalAddress(url: string, verb: 'POST' | 'PUT', body: string, abort: AbortSignal): Promise<void>;
};

const MetadataBody = v.object({ metadata: v.record(v.string(), v.unknown()) });

/** The last answer, unless it is large: nearly every poll gets the same text again, and parsing it costs the most. */
type Kept = { answer: string; metadata: string };

/** In characters. */
const LARGEST_KEPT = 256 * 1024;

export function createHeat(http: Http): Heat {
  let kept: Kept | undefined;
  return {
    readMetadata: async (session, of, abort) => {
      const what = `reading the metadata of ${of.resourceName} in stack ${of.stackId}`;
      const url = address(session, of, 'metadata');
      const answer = await http({
        what,
        method: 'GET',
        url,
        headers: { 'x-auth-token': session.token },
        abort,
      });
      if (answer.status !== 200) throw statusError(what, answer);
      if (answer.text === kept?.answer) return kept.metadata;
      const body = v.safeParse(MetadataBody, parseExactJson(answer.text, what, 'bad-answer'));
      if (!body.success) throw new AgentError('bad-answer', 'the answer has no metadata', { task: what });
      const metadata = JSON.stringify(body.output.metadata);
      kept = answer.text.length > LARGEST_KEPT ? undefined : { answer: answer.text, metadata };
      return metadata;
    },

    signalResource: async (session, to, body, abort) => {
      const what = `signalling ${to.resourceName} in stack ${to.stackId}`;
      const url = address(session, to, 'signal');
      const headers = { 'x-auth-token': session.token, 'content-type': 'application/json' };
      const answer = await http({ what, method: 'POST', url, headers, body, abort });
      if (!acknowledged(answer.status)) throw statusError(what, answer);
    },

    signalAddress: async (url, verb, body, abort) => {
      // The query is the authorization, so messages omit it.
      const what = `signalling ${withoutQuery(url)}`;
      if (!/^https?:\/\//.test(url))
        throw new AgentError('bad-deployment', 'not an http address', { task: what });
      const answer = await http({
        what,
        method: verb,
        url,
        headers: { 'content-type': 'application/json' },
        body,
        abort,
      });
      if (!acknowledged(answer.status)) throw statusError(what, answer);
    },
  };
}

const address = (session: Session, { stackId, resourceName }: StackResource, leaf: string): string => {
  const stack = stackId.split('/').map(encodeURIComponent).join('/');
  return `${session.endpoint('orchestration')}/stacks/${stack}/resources/${encodeURIComponent(resourceName)}/${leaf}`;
};

const acknowledged = (status: number): boolean => status >= 200 && status < 300;
