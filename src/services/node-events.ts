import type { Patience, Retry } from '../base/retry.ts';
import { type AskApi, createCall } from './kubernetes-call.ts';

/** An event on a Node, as `kubectl describe node` shows it. */
export type NodeEvent = {
  /** In upper camel case, stable. */
  reason: string;
  type: 'Normal' | 'Warning';
  /** Cut after 1024 characters. */
  message: string;
  /** Milliseconds since the epoch. */
  at: number;
};

/** The limit of events.k8s.io/v1, in characters here; the legacy API has none of its own. */
const LONGEST_MESSAGE = 1024;

/**
 * Makes an event in the namespace `default`, where kubelets make theirs: a Node has no namespace. A kubelet's certificate
 * may do that. The `uid` is the Node's name, as kubelets write it and `kubectl describe node` looks for it.
 */
export const createEventWriter = (
  ask: AskApi,
  retry: Retry,
  patience: Patience,
): ((node: string, event: NodeEvent, abort: AbortSignal) => Promise<void>) => {
  const call = createCall(ask, retry, patience);
  return async (node, { reason, type, message, at }, abort) => {
    const when = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
    const value = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${node}.`, namespace: 'default' },
      involvedObject: { kind: 'Node', name: node, uid: node },
      reason,
      type,
      message: message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE - 1)}…` : message,
      source: { component: 'coe-agent', host: node },
      reportingComponent: 'coe-agent',
      reportingInstance: node,
      firstTimestamp: when,
      lastTimestamp: when,
      count: 1,
    };
    await call(
      {
        what: `making an event on the Node ${node}`,
        method: 'POST',
        path: '/api/v1/namespaces/default/events',
        body: { type: 'application/json', value },
        abort,
      },
      [201],
      () => undefined,
    );
  };
};
