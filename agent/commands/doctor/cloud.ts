import type { X509Certificate } from 'node:crypto';
import { codeOf, explain, reasonOf } from '../../../src/base/errors.ts';
import { verifyAuthority } from '../../../src/certificates/verify.ts';
import { pendingOf } from '../../../src/deployment/pending.ts';
import { bringsFacts, type Collected, type Collector } from '../../../src/metadata/collector.ts';
import { selectOperation } from '../../../src/operation/operation.ts';
import { asConfigured } from '../../config.ts';
import { caFileOf } from '../../compose/connection.ts';
import type { Hands } from '../../hands.ts';
import { type Circumstances, compareAuthority, madeAt } from '../../inspection/authority.ts';
import { accessOf } from '../../inspection/collector-access.ts';
import type { Examination } from '../../inspection/examination.ts';
import type { Finding } from '../../inspection/finding.ts';
import { viAt } from '../../inspection/layout-files.ts';
import { lookAtUnlisted } from '../../inspection/records.ts';
import { checkClock } from '../../inspection/preflight.ts';
import { lookAtRoles, lookAtTrustee } from '../../inspection/trust.ts';
import { isAwaited, isComing, isUnderWay } from '../../inspection/under-way.ts';
import { kindOfLogin, type Node, ownLoginOf } from '../../node.ts';
import { collect, understand } from '../../pass/collect.ts';
import { compareCertificates } from './differences.ts';
import type { Seen } from './node.ts';

/** Asks every cloud service that a rotation needs, concurrently, and compares Magnum's CAs with the node. */
export async function lookAtCloud(
  seen: Seen,
  hands: Hands,
  examination: Examination,
  abort: AbortSignal,
): Promise<void> {
  const { node } = seen;
  const asked = askCollectors(hands, examination, abort);
  await Promise.all([
    asked,
    node && askMagnum(node, seen, asked, hands, examination, abort),
    compareCertificates(seen, hands, examination, abort),
  ]);
  examination.tell(...checkClock(hands));
}

/** @returns when the newest pending rotation was created, in milliseconds since the epoch */
async function askCollectors(
  hands: Hands,
  { look, tell }: Examination,
  abort: AbortSignal,
): Promise<number | undefined> {
  const answers = await Promise.all(
    hands.collectors.map(async (collector) => await askCollector(collector, hands, look, abort)),
  );
  const { deployments, problems, complete } = understand(
    answers.flatMap(({ texts }) => texts),
    [],
    hands,
  );
  const isAnswered = complete && answers.every(({ isWhole }) => isWhole);
  const listed = new Set(deployments.map(({ id }) => id));
  if (isAnswered)
    await look(
      { id: 'record' },
      async () => await lookAtUnlisted(hands, listed),
      (found) => found,
    );
  tell(
    ...problems.map((problem): Finding => ({
      id: 'metadata',
      verdict: 'bad',
      reason: problem.code,
      what: explain(problem),
    })),
  );
  const override = hands.pollingOverride.describe();
  if (override)
    tell({
      id: 'polling-override',
      verdict: override.isSettled ? 'good' : 'warning',
      reason: override.state,
      what: override.text,
    });
  const rotations = pendingOf(deployments, hands.ledger).filter((deployment) => {
    const earlier = hands.ledger.earlier(deployment);
    const operation = selectOperation(deployment, earlier, asConfigured(hands.config));
    return operation?.kind === 'rotate' || operation?.kind === 'magnum-update';
  });
  return rotations.length === 0 ? undefined : Math.max(...rotations.map(({ createdAt }) => createdAt));
}

async function askCollector(
  collector: Collector,
  hands: Hands,
  look: Examination['look'],
  abort: AbortSignal,
): Promise<{ texts: Collected[]; isWhole: boolean }> {
  const { name } = collector;
  const about = { id: 'collector', of: name, ...accessOf(name, hands.config) } as const;
  const collected = await look(
    about,
    async () => await collect({ ...hands, collectors: [collector] }, abort),
    ({ answers }) =>
      answers.map(({ why, reason, refused }): Finding => {
        if (why === undefined) return { ...about, verdict: 'good', what: `the collector ${name} answers` };
        const verdict = bringsFacts(name) ? 'warning' : 'bad';
        const what = `${name}: ${why}`;
        const bundle = nextOfBundle(reason, hands);
        if (bundle) return { ...about, verdict, reason: 'refused', what, ...bundle };
        if (!refused) return { ...about, verdict, reason: 'unanswered', what };
        const next = viAt(hands.config.sources[0] ?? '', undefined);
        return { ...about, verdict, reason: 'refused', what, next };
      }),
  );
  return { texts: collected?.texts ?? [], isWhole: collected?.problems.length === 0 };
}

/** Asks Magnum with the node's own login. */
async function askMagnum(
  node: Node,
  { holdings, activity }: Seen,
  asked: Promise<number | undefined>,
  hands: Hands,
  { look, tell }: Examination,
  abort: AbortSignal,
): Promise<void> {
  const { params, layout } = node;
  const at = (key: string): string => params.get(key) ?? '';
  const login = ownLoginOf(params);
  const kind = kindOfLogin(params);
  const trust = { id: 'trust', url: at('AUTH_URL'), login } as const;
  const cluster = await look(
    {
      ...trust,
      detail: (error) =>
        codeOf(error) === 'login-refused' && kind !== 'application-credential'
          ? { next: 'agent credentials --from new-params' }
          : (nextOfBundle(reasonOf(error), hands) ?? {}),
    },
    async () => await hands.openCluster(params, undefined, abort, { patient: false }),
    () => [{ ...trust, verdict: 'good', what: `this node can log in as ${login}` }],
  );
  if (!cluster) return;
  await look(
    { ...trust, id: 'trust-roles' },
    async () => await cluster.roles(),
    (roles) => [kind === 'trustee' ? lookAtTrustee(login) : lookAtRoles(kind, roles)],
  );
  const circumstances = async (served: X509Certificate): Promise<Circumstances> => {
    const pending = await asked;
    const isNext = pending === undefined ? isComing(activity, madeAt(served)) : isAwaited(activity, pending);
    return {
      clusterUuid: at('CLUSTER_UUID'),
      isUnderWay: isUnderWay(activity) || isNext,
      isPending: pending !== undefined,
    };
  };
  await Promise.all(
    layout.authorities
      .filter(({ single }) => single !== true)
      .map(async (row) => {
        const magnum = { id: 'magnum-ca', of: row.ca, url: at('MAGNUM_URL'), login } as const;
        const served = await look(
          magnum,
          async () => await cluster.readCa(row.ca, (pem) => verifyAuthority(pem, row.ca, hands.clock.now())),
          () => [{ ...magnum, verdict: 'good', what: `Magnum serves the ${row.ca} CA` }],
        );
        if (!served) return;
        tell(...(await compareAuthority(row, served, holdings, async () => await circumstances(served))));
      }),
  );
}

/** The address does not help when the CA bundle is empty. */
const nextOfBundle = (reason: string | undefined, { config }: Hands): Pick<Finding, 'next'> | undefined =>
  reason === 'ca-file-empty' ? { next: viAt(caFileOf(config), undefined) } : undefined;
