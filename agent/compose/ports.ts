import type { Hands } from '../hands.ts';

/**
 * Builds the functions that connect to ports. Each loads its modules on first use, which keeps an idle daemon small.
 */
export const portsAsked = (): Pick<
  Hands,
  'presented' | 'heldConnections' | 'askPeer' | 'askHealth' | 'callEtcd'
> => ({
  presented: async (...where) => {
    const { presentedCertificate } = await import('../../src/services/presented.ts');
    return await presentedCertificate(...where);
  },
  heldConnections: async (port) => {
    const { heldConnections } = await import('../../src/services/held-connections.ts');
    return await heldConnections(port);
  },
  askPeer: async (...where) => {
    const { askPeer } = await import('../../src/services/peer-port.ts');
    return await askPeer(...where);
  },
  callEtcd: async (...where) => {
    const { callEtcd } = await import('../../src/services/etcd-call.ts');
    return await callEtcd(...where);
  },
  askHealth: async (...where) => {
    const { askHealth } = await import('../../src/services/health.ts');
    await askHealth(...where);
  },
});
