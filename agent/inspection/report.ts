import * as v from 'valibot';
import { canonicalCa } from '../../src/certificates/trusted.ts';
import { fingerprint } from '../../src/certificates/read.ts';
import { isGivenUp } from '../../src/deployment/ledger.ts';
import { isTrue } from '../../src/metadata/heat-params.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { mayGoByItself } from '../config.ts';
import type { Hands } from '../hands.ts';
import { type Node, nodeNameOf } from '../node.ts';
import { readRotation } from '../phases/record.ts';
import { LIMITS } from './health.ts';
import { takeInventory } from './inventory.ts';
import { rotationState } from './rotation-state.ts';

const Short = v.pipe(v.string(), v.maxLength(256));
const Moment = v.pipe(v.string(), v.isoTimestamp());

/**
 * An agent's report about its node. Others can forge it, so it proves nothing. It contains no secret: every user who
 * can read the Node, or the outputs of a stack, can read it.
 */
export const Report = v.object({
  version: v.literal(1),
  /** The version of the agent. */
  agent: Short,
  phase: v.picklist(['none', 'trust', 'reissue']),
  /** SHA-256 fingerprints of the Kubernetes CAs that the node trusts, sorted. */
  cas: v.pipe(v.array(Short), v.maxLength(16)),
  /** When the first of the layout's certificates expires. */
  notAfter: v.optional(Moment),
  /** When the node was first seen without the old CA, after the last rotation. */
  oldCaEndedAt: v.optional(Moment),
  /** A reason for waiting, with the nodes or the deployment. */
  waits: v.optional(v.object({ why: Short, for: v.pipe(v.array(Short), v.maxLength(16)) })),
  /** When this was written, and when all collectors had last answered. */
  at: Moment,
  passAt: v.optional(Moment),
});
export type Report = v.InferOutput<typeof Report>;

/** A report with the node that it is about. On a Node in Kubernetes, the Node itself says that. */
export const NamedReport = v.object({
  ...Report.entries,
  node: Short,
  role: v.picklist(['master', 'worker']),
});
export type NamedReport = v.InferOutput<typeof NamedReport>;

/** Limit for the named nodes. */
const MOST_NAMED = 8;

/**
 * Reads the contents of a report, without the times.
 *
 * @returns undefined on a node without TLS
 * @throws `bad-file` when its certificates cannot be read
 */
export async function readReport(
  node: Node,
  hands: Hands,
): Promise<Omit<Report, 'at' | 'passAt'> | undefined> {
  if (isTrue(node.params.get('TLS_DISABLED'))) return undefined;
  const holdings = await takeInventory(hands.disk, node.layout, hands.clock.now());
  const { phase, oldCaEndedAt } = await rotationState(hands);
  const files = trustFilesOf(node);
  const cas = holdings.filter(({ file }) => files.has(file)).flatMap(({ certificates }) => certificates);
  const ends = holdings.flatMap(({ notAfter }) => notAfter ?? []).toSorted();
  const waits = await waitsOf(hands);
  return {
    version: 1,
    agent: packageJson.version,
    phase: phase ?? 'none',
    cas: [...new Set(cas.map(fingerprint))].toSorted(),
    ...(ends[0] !== undefined && { notAfter: ends[0] }),
    ...(oldCaEndedAt !== undefined && { oldCaEndedAt }),
    ...(waits && { waits: { why: waits.why, for: waits.for.slice(0, MOST_NAMED) } }),
  };
}

/** Reads a report for readers outside of Kubernetes. @throws `bad-file` when its certificates cannot be read */
export async function readNamedReport(node: Node, hands: Hands): Promise<NamedReport | undefined> {
  const report = await readReport(node, hands);
  const at = new Date(hands.clock.now()).toISOString();
  return report && { ...report, node: nodeNameOf(node), role: node.role, at };
}

/** Returns the files with the Kubernetes CAs that the node trusts. */
const trustFilesOf = ({ layout }: Node): ReadonlySet<string> =>
  new Set(
    layout.authorities
      .filter(({ ca, single }) => canonicalCa(ca) === 'kubernetes' && single !== true)
      .map(({ file }) => file.path),
  );

async function waitsOf(hands: Hands): Promise<Report['waits']> {
  const { generations, ledger, clock, config } = hands;
  // The next pass rebuilds a damaged journal.
  const journal = await generations.current().catch(() => undefined);
  if (journal?.state === 'stuck') return { why: 'stuck', for: [journal.runId] };
  const { waits } = await readRotation(hands);
  if (waits && mayGoByItself(config)) return waits;
  const late = ledger
    .entries()
    .find(
      (entry) =>
        entry.state === 'finished' &&
        !isGivenUp(entry) &&
        clock.now() - Date.parse(entry.at['finished'] ?? '') > LIMITS.unacknowledgedMs,
    );
  return late && { why: 'answer-unacknowledged', for: [late.id] };
}
