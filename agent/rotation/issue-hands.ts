import type { IssueHands, Material } from '../../src/certificates/issue.ts';
import type { Cluster, Hands } from '../hands.ts';

/** Builds the functions that issue certificates. A phase continues with the CAs that it was compared with. */
export function issueHands(
  { readCa, sign }: Cluster,
  compared: Pick<Material, 'authorities'> | undefined,
  { keptRequests, clock, progress }: Hands,
  { authorities, requests }: { authorities: readonly unknown[]; requests: readonly unknown[] },
): IssueHands {
  return {
    readCa: async (type, believe) => {
      const pem = compared?.authorities.get(type);
      return pem === undefined ? await readCa(type, believe) : await believe(pem);
    },
    sign,
    ...keptRequests,
    now: clock.now,
    done: (part, name) => {
      progress({ event: 'part', part, name, of: (part === 'ca' ? authorities : requests).length });
    },
  };
}
