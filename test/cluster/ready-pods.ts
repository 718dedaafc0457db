import { setTimeout as delay } from 'node:timers/promises';
import type { PlainAsk } from '../contract/kubernetes-doors.ts';

const EVERY_MS = 200;

/**
 * Imitates a kubelet in one respect: until `abort`, every pod of a controller runs and is ready at once. Tests set
 * other pods as needed.
 */
export async function keepPodsReady(ask: PlainAsk, abort: AbortSignal): Promise<void> {
  const condition = { type: 'Ready', status: 'True' };
  const status = { phase: 'Running', conditions: [condition] };
  while (!abort.aborted) {
    const { body } = await ask('GET', '/api/v1/pods');
    for (const { metadata, status: is } of body.items ?? []) {
      if (metadata['ownerReferences'] === undefined || is?.['phase'] === 'Running') continue;
      const path = `/api/v1/namespaces/${String(metadata['namespace'])}/pods/${metadata.name}/status`;
      // It may be gone by now: its controller makes another.
      await ask('PATCH', path, { status }, 'application/merge-patch+json');
    }
    await delay(EVERY_MS, undefined, { signal: abort }).catch(() => undefined);
  }
}
