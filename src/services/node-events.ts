import * as v from 'valibot';
import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall, parsed } from './kubernetes-call.ts';

/** An event on a Node, as shown by `kubectl describe node`. */
export type NodeEvent = {
  /** In upper camel case; stable. */
  reason: string;
  type: 'Normal' | 'Warning';
  /** Truncated after 1024 characters. */
  message: string;
  /** Milliseconds since the epoch. */
  at: number;
};

/**
 * Events in the namespace `default`, where kubelets create theirs because a Node has no namespace. A kubelet's
 * certificate may create and patch them, but not read them.
 */
export type NodeEvents = {
  /** Creates an event. @returns its name */
  make(node: string, event: NodeEvent, abort: AbortSignal): Promise<string>;
  /**
   * Raises the count of an event, as Kubernetes clients do for equal events. Returns false if the event has expired.
   */
  repeat(name: string, count: number, at: number, abort: AbortSignal): Promise<boolean>;
};

/** The limit of events.k8s.io/v1, counted in characters; the legacy API has no limit. */
const LONGEST_MESSAGE = 1024;

const EVENTS = '/api/v1/namespaces/default/events';
const Made = v.object({ metadata: v.object({ name: v.string() }) });

/** `metav1.Time` has whole seconds. */
const timeOf = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');

export function createNodeEvents(ask: AskApi, retry: Retry, patience: Patience): NodeEvents {
  const call = createCall(ask, retry, patience);
  return {
    make: async (node, { reason, type, message, at }, abort) => {
      const what = `making an event on the Node ${node}`;
      const value = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: `${node}.`, namespace: 'default' },
        // The uid is the Node's name: kubelets write it so, and `kubectl describe node` searches for it.
        involvedObject: { kind: 'Node', name: node, uid: node },
        reason,
        type,
        message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 1)}…` : message,
        source: { component: 'coe-agent', host: node },
        reportingComponent: 'coe-agent',
        reportingInstance: node,
        firstTimestamp: timeOf(at),
        lastTimestamp: timeOf(at),
        count: 1,
      };
      return await call(
        { what, method: 'POST', path: EVENTS, body: { type: 'application/json', value }, abort },
        [201],
        (_, text) => parsed(Made, text, what).metadata.name,
      );
    },
    repeat: async (name, count, at, abort) =>
      await call(
        {
          what: `counting the event ${name} again`,
          method: 'PATCH',
          path: `${EVENTS}/${encodeURIComponent(name)}`,
          body: { type: 'application/merge-patch+json', value: { count, lastTimestamp: timeOf(at) } },
          abort,
        },
        [200, 404],
        (status) => status === 200,
      ),
  };
}
