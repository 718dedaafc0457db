import { readText } from '../../src/base/disk.ts';
import type { Material } from '../../src/certificates/issue.ts';
import type { CaType } from '../../src/certificates/layout.ts';
import { recognizer } from '../../src/certificates/recognize.ts';
import {
  acceptsLess,
  changeKeys,
  type ServiceAccountKeys,
  signerOf,
} from '../../src/certificates/service-account-keys.ts';
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
import { type FollowUps, followUpsFile, readFollowUps } from './follow-ups.ts';
import { ownApiOf } from './own-api.ts';
import { signerFiles } from './signing-key.ts';
import { keptFile, readKept, readKeys } from './service-account.ts';

type Step = Pick<StepOf<'stage'>, 'certificates' | 'keys' | 'serviceAccount' | 'graceMs' | 'units'>;

/** Returns every file of a new generation: certificates, keys, kubeconfigs, copies and service-account keys. */
export async function newFiles(
  step: Step,
  node: Node,
  material: Material | undefined,
  hands: Hands,
): Promise<ManagedFile[]> {
  const { certificates: phase } = step;
  const keys = await changedKeys(step, node, hands);
  return [
    ...(phase && material ? await certificateFiles(phase, node, material, hands) : []),
    ...(keys ? await serviceAccountFiles(keys, node, hands) : []),
    ...(await followUps(step, keys, node, hands)),
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

type Keys = { before: ServiceAccountKeys; after: ServiceAccountKeys };

async function changedKeys(
  { keys: phase, serviceAccount: pair, graceMs: asked }: Step,
  { layout }: Node,
  hands: Hands,
): Promise<Keys | undefined> {
  const { clock, config } = hands;
  if (!layout.serviceAccount || phase === 'keep') return undefined;
  const before = await readKeys(layout, hands);
  const graceMs = asked ?? config.service_account.grace_seconds * 1000;
  const change =
    phase === 'grace'
      ? { phase }
      : phase === 'retire'
        ? { phase, graceMs }
        : { phase: phase === 'first' ? ('all' as const) : phase, pair, graceMs };
  return { before, after: changeKeys(before, change, clock.now()) };
}

async function serviceAccountFiles(
  { before, after }: Keys,
  { layout }: Node,
  hands: Hands,
): Promise<ManagedFile[]> {
  const isKept = (await readKept(hands).catch(() => before)) !== undefined;
  const former = signerOf(before);
  // From then on, the pair of heat-params is not the node's any more.
  const isChange = former !== undefined && former !== signerOf(after);
  return [
    ...renderServiceAccount(layout, after),
    ...(isKept || isChange || after.leaving.length > 0 || after.next ? [keptFile(after)] : []),
  ];
}

/** Returns the follow-ups that a master has in the cluster; a later pass runs them. */
async function followUps(
  { certificates: phase, units }: Step,
  keys: Keys | undefined,
  node: Node,
  hands: Hands,
): Promise<ManagedFile[]> {
  if (units.length === 0 || !ownApiOf(units, node)) return [];
  const due = hands.clock.now();
  const [former, now] = [keys?.before, keys?.after].map((one) => one && signerOf(one));
  const signsAnew = former !== undefined && former !== now;
  const areRefused = keys !== undefined && acceptsLess(keys.before, keys.after);
  const tasks: FollowUps = {
    ...((signsAnew || areRefused) && { tokens: { due } }),
    ...((phase === 'all' || phase === 'retire') && { clientTrust: { due } }),
  };
  return Object.keys(tasks).length === 0
    ? []
    : [followUpsFile({ ...(await readFollowUps(hands)), ...tasks })];
}
