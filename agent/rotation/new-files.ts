import { readText } from '../../src/base/disk.ts';
import type { Material } from '../../src/certificates/issue.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { recognizer } from '../../src/certificates/recognize.ts';
import { changeKeys } from '../../src/certificates/service-account-keys.ts';
import { fill } from '../../src/certificates/template.ts';
import { sameCa, trustedIn } from '../../src/certificates/trusted.ts';
import { findCandidates, readCopy } from '../../src/files/candidates.ts';
import type { ManagedFile } from '../../src/files/managed-file.ts';
import { renderFiles, renderServiceAccount } from '../../src/files/render.ts';
import type { Phase } from '../../src/operation/phase.ts';
import type { Hands } from '../hands.ts';
import { passingOver } from '../progress.ts';
import type { Node } from '../node.ts';
import { readCurrentCertificates } from '../../src/files/current-certificates.ts';
import type { StepOf } from '../plan/step.ts';
import { signerFiles } from './signing-key.ts';
import { keptFile, readKept, readKeys } from './service-account.ts';

/** Every file of a generation as it is to be: certificates, keys, kubeconfigs and copies, and service-account keys. */
export async function newFiles(
  step: Pick<StepOf<'stage'>, 'certificates' | 'keys' | 'serviceAccount'>,
  node: Node,
  material: Material | undefined,
  hands: Hands,
): Promise<ManagedFile[]> {
  const { certificates: phase } = step;
  return [
    ...(phase && material ? await certificateFiles(phase, node, material, hands) : []),
    ...(await serviceAccountFiles(step, node, hands)),
  ];
}

async function certificateFiles(
  phase: Phase,
  { layout, params, values }: Node,
  { authorities, certificates }: Material,
  hands: Hands,
): Promise<ManagedFile[]> {
  const read = async (path: string): Promise<string | undefined> => await readText(hands.disk, path);
  const passOver = passingOver(hands);
  const old = await readCurrentCertificates(layout, read);
  const now = (type: CaType): string =>
    layout.authorities
      .flatMap(({ ca, single }, index) =>
        sameCa(ca, type) && single !== true ? (old.authorities[index]?.[1] ?? '') : [],
      )
      .join('');
  const trusted = [...authorities].map(([type, pem]) => [type, trustedIn(phase, now(type), pem)] as const);
  const areNew = phase === 'all' || phase === 'reissue';
  const fresh = { authorities, trusted: new Map(trusted), certificates: areNew ? certificates : undefined };
  const rendered = await renderFiles(layout, fresh, {
    clusterName: params.get('CLUSTER_UUID') ?? 'kubernetes',
    read: async (path) => {
      const found = await hands.disk.snapshot(path);
      return found && { text: found.content.toString('utf8'), id: found.id };
    },
    fill: (text) => fill(text, values),
    recognize: recognizer(old),
    readCopy: async (path) => await readCopy(hands.disk, path, passOver),
    passOver,
    candidates: await findCandidates(hands.disk, layout, passOver),
  });
  return [...(await signerFiles({ layout }, hands.disk)), ...rendered];
}

async function serviceAccountFiles(
  { keys: phase, serviceAccount: pair }: Parameters<typeof newFiles>[0],
  { layout }: Node,
  hands: Hands,
): Promise<ManagedFile[]> {
  const { clock, config } = hands;
  if (!layout.serviceAccount || phase === undefined) return [];
  const before = await readKeys(layout, hands);
  const graceMs = config.service_account.grace_seconds * 1000;
  const change =
    phase === 'retire' || phase === 'grace'
      ? { phase }
      : { phase: phase === 'first' ? ('all' as const) : phase, pair, graceMs };
  const after = changeKeys(before, change, clock.now());
  const isKept = (await readKept(hands).catch(() => before)) !== undefined;
  return [
    ...renderServiceAccount(layout, after),
    ...(isKept || after.leaving.length > 0 || after.next ? [keptFile(after)] : []),
  ];
}
