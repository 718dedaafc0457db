import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { TIMEOUT_MS } from './request.ts';

/**
 * Measures whether this machine keeps up: a server in a thread is called like the cluster. A client's time-out during a
 * slow answer of that server says nothing about the cluster.
 */
export type Machine = {
  /** Whether it was too slow at any time since then, in milliseconds since the epoch. */
  wasSlowSince(ms: number): boolean;
  readonly seconds: MachineSeconds;
  close(): Promise<void>;
};

/** The number of calls, the number of slow ones, and the longest time. */
export type MachineSeconds = { total: number; slow: number; longestMs: number };

const EVERY_MS = 1000;
/** A part of a client's time-out. */
const SLOW_MS = TIMEOUT_MS / 4;

/** CommonJS, which a thread accepts as text. */
const SERVER = `
const { createServer } = require('node:http');
const { parentPort } = require('node:worker_threads');
const server = createServer((_, response) => response.end('ok'));
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

export async function watchMachine(): Promise<Machine> {
  const worker = new Worker(SERVER, { eval: true });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('error', reject).once('message', resolve);
  });
  const stop = new AbortController();
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  const seconds = { total: 0, slow: 0, longestMs: 0 };
  let slowAt = -Infinity;
  const look = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const began = performance.now();
      const abort = AbortSignal.timeout(TIMEOUT_MS);
      const failed = await fetch(`http://127.0.0.1:${port}/`, { signal: abort }).then(
        () => false,
        () => true,
      );
      const took = Math.max(performance.now() - began, loop.max / 1e6);
      loop.reset();
      seconds.total += 1;
      seconds.longestMs = Math.max(seconds.longestMs, took);
      if (failed || took > SLOW_MS) {
        seconds.slow += 1;
        slowAt = Date.now();
      }
      await delay(EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const looking = look();
  return {
    wasSlowSince: (ms) => slowAt >= ms,
    seconds,
    close: async () => {
      stop.abort();
      await looking;
      loop.disable();
      await worker.terminate();
    },
  };
}
