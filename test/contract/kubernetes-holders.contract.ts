import { expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createRetry } from '../../src/base/retry.ts';
import { type Holder, seeHolders } from '../../src/services/certificate-holders.ts';
import { createClusterCa } from '../cluster/authority.ts';
import type { KubernetesBench } from './kubernetes-bench.ts';

const retry = createRetry({ clock: systemClock, random: Math.random, onRetry: () => undefined });
const PATIENCE = { baseMs: 10, capMs: 100, forMs: 5000 };

/** The objects of a cluster that contain certificates. */
export function holdersContract(bench: KubernetesBench): void {
  const { pem } = createClusterCa('k1');
  const base64 = Buffer.from(pem).toString('base64');
  const make = async (path: string, object: Record<string, unknown>): Promise<void> => {
    expect((await bench.ask('POST', path, object)).status).toBe(201);
  };
  async function holders(): Promise<Holder[]> {
    const found: Holder[] = [];
    const isAll = await seeHolders(bench.subject.admin, retry, PATIENCE, bench.abort, (one) =>
      found.push(one),
    );
    expect(isAll).toBe(true);
    return found;
  }

  test('webhooks, APIServices, custom resources and Secrets are listed with their certificates', async () => {
    const clientConfig = { caBundle: base64, service: { namespace: 'shop', name: 'hook', path: '/' } };
    const webhooks = [
      { name: 'hook.example.org', clientConfig, sideEffects: 'None', admissionReviewVersions: ['v1'] },
    ];
    const admission = 'admissionregistration.k8s.io/v1';
    for (const kind of ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'])
      await make(`/apis/${admission}/${kind.toLowerCase()}s`, {
        apiVersion: admission,
        kind,
        metadata: { name: 'holders' },
        webhooks,
      });
    await make('/apis/apiregistration.k8s.io/v1/apiservices', {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: 'v1.holders.example.org' },
      spec: {
        group: 'holders.example.org',
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: base64,
        service: { namespace: 'shop', name: 'hook' },
      },
    });
    const schema = { openAPIV3Schema: { type: 'object' } };
    await make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'things.example.org' },
      spec: {
        group: 'example.org',
        scope: 'Namespaced',
        names: { plural: 'things', singular: 'thing', kind: 'Thing' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
        conversion: {
          strategy: 'Webhook',
          webhook: { conversionReviewVersions: ['v1'], clientConfig },
        },
      },
    });
    await make('/api/v1/namespaces/shop/secrets', {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'holders' },
      type: 'Opaque',
      data: { 'ca.crt': base64 },
    });

    const found = (await holders()).filter(({ certificates }) => certificates.includes(pem));
    expect(found.map(({ kind, namespace, name }) => [kind, namespace, name])).toEqual([
      ['ValidatingWebhookConfiguration', '', 'holders'],
      ['MutatingWebhookConfiguration', '', 'holders'],
      ['APIService', '', 'v1.holders.example.org'],
      ['CustomResourceDefinition', '', 'things.example.org'],
      ['Secret', 'shop', 'holders'],
    ]);
  });

  test('service-account tokens are omitted, and running pods are listed', async () => {
    await bench.subject.addLegacyToken('shop', 'holders-token');
    await bench.subject.addPod('shop', 'holders-pod', 'holders');
    await bench.subject.addPod('shop', 'holders-ended', 'holders', 'Failed');
    const found = (await holders()).filter(({ name }) => name.startsWith('holders-'));
    expect(found).toMatchObject([
      { kind: 'Pod', name: 'holders-pod', startedAt: Date.parse('2026-11-28T11:00:00Z'), hostPaths: [] },
    ]);
  });
}
