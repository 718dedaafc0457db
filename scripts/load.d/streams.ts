import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { readCredentials } from './credentials.ts';
import type { Description, Identity, Target } from './description.ts';
import { type Failure, failureOf, failureOfKubectl, failureOfStatus } from './outcome.ts';
import { ENVIRONMENT, type Kubectl } from './kubectl.ts';
import { open } from './request.ts';
import type { Subject } from './tally.ts';

/** A stream that is opened, read until it ends, and opened again. */
export type Stream = {
  subject: Subject;
  /** Reads one to its end; undefined: it cannot be opened yet. */
  follow(
    hear: { open(): void; line(): void },
    abort: AbortSignal,
  ): Promise<{ ended: Failure | 'by the server' } | undefined>;
};

export type StreamCount = Subject & {
  opened: number;
  lines: number;
  /** The longest open time, and the longest silence of an open stream, in milliseconds. */
  longestMs: number;
  silentMs: number;
  /** Each end, and each failed opening. */
  ends: { at: string; afterMs: number; lines: number; why: string }[];
};

const AGAIN_MS = 1000;
/** The first ends suffice for a server that is down for long. */
const MOST_ENDS = 200;

export async function keepOpen({ subject, follow }: Stream, abort: AbortSignal): Promise<StreamCount> {
  const count: StreamCount = { ...subject, opened: 0, lines: 0, longestMs: 0, silentMs: 0, ends: [] };
  let heardAt: number | undefined;
  const heard = (): void => {
    const now = Date.now();
    if (heardAt !== undefined) count.silentMs = Math.max(count.silentMs, now - heardAt);
    heardAt = now;
  };
  while (!abort.aborted) {
    const began = Date.now();
    let isOpen = false;
    let lines = 0;
    const open = (): void => {
      if (!isOpen) count.opened += 1;
      isOpen = true;
      heard();
    };
    const line = (): void => {
      open();
      lines += 1;
    };
    const end = await follow({ open, line }, abort);
    const afterMs = Date.now() - began;
    count.lines += lines;
    if (isOpen) count.longestMs = Math.max(count.longestMs, afterMs);
    if (end && !abort.aborted && count.ends.length < MOST_ENDS) {
      const why = end.ended === 'by the server' ? end.ended : `${end.ended.why}: ${end.ended.detail}`;
      count.ends.push({ at: new Date().toISOString(), afterMs, lines, why });
    }
    await delay(AGAIN_MS, undefined, { signal: abort }).catch(() => undefined);
  }
  if (heardAt !== undefined) heard();
  return count;
}

/** A continuous answer, read line by line. */
const plainStream = (does: string, path: string, target: Target, identity: Identity): Stream => ({
  subject: { client: 'plain', does, at: target.name, as: identity.name },
  follow: async (hear, abort) => {
    const credentials = await readCredentials(identity);
    if (!credentials) return undefined;
    try {
      const answer = await open(target, credentials, { path }, abort);
      if (answer.statusCode !== 200)
        return { ended: failureOfStatus(answer.statusCode ?? 0, await text(answer)) ?? 'by the server' };
      hear.open();
      for await (const _ of createInterface({ input: answer })) hear.line();
      return { ended: answer.complete ? 'by the server' : { why: 'reset', detail: 'broken off' } };
    } catch (error) {
      return { ended: failureOf(error) };
    }
  },
});

const kubectlStream = (does: string, kubectl: Kubectl, args: readonly string[]): Stream => ({
  subject: { client: 'client-go', does, at: kubectl.target.name, as: kubectl.identity.name },
  follow: async (hear, abort) => {
    if (!(await kubectl.isReady())) return undefined;
    const [program = '', ...first] = kubectl.command;
    const child = spawn(program, [...first, ...args], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: abort,
    });
    const ended = new Promise<void>((resolve) =>
      child.once('error', () => resolve()).once('close', () => resolve()),
    );
    const errors = text(child.stderr);
    for await (const _ of createInterface({ input: child.stdout })) hear.line();
    await ended;
    return { ended: child.exitCode === 0 ? 'by the server' : failureOfKubectl(await errors) };
  },
});

const WATCHED = '/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=86400';

export const plainStreams = (target: Target, identity: Identity, { pod }: Description): Stream[] => [
  plainStream('watch', WATCHED, target, identity),
  ...(pod
    ? [
        plainStream(
          'log',
          `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/log?follow=true&tailLines=1`,
          target,
          identity,
        ),
      ]
    : []),
];

/** The pod's program for an exec stream: prints a line every second. */
const TICKING = ['sh', '-c', 'while echo; do sleep 1; done'];

export const kubectlStreams = (kubectl: Kubectl, { pod }: Description): Stream[] => [
  kubectlStream('watch', kubectl, ['get', 'configmaps', '--watch', '--output=name']),
  ...(pod
    ? [
        kubectlStream('log', kubectl, ['logs', '-f', '--tail=1', '-n', pod.namespace, pod.name]),
        kubectlStream('exec', kubectl, ['exec', '-n', pod.namespace, pod.name, '--', ...TICKING]),
      ]
    : []),
];
