import * as v from 'valibot';
import { issueCertificates, type Material } from '../../src/certificates/issue.ts';
import { oneCertificate } from '../../src/certificates/read.ts';
import { verifyAuthority } from '../../src/certificates/verify.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import { changeCredentialFiles } from '../../src/files/credentials.ts';
import { withoutDamaged } from '../rotation/without-damaged.ts';
import type { Journal } from '../../src/files/journal.ts';
import type { Cluster, Hands } from '../hands.ts';
import { requireFit } from '../inspection/preflight.ts';
import type { Node } from '../node.ts';
import type { BeforeRestart } from '../peers/turn.ts';
import { showStep } from '../plan/describe.ts';
import type {
  CertificatesPlan,
  CredentialsPlan,
  FilesPlan,
  KeptPlan,
  ListsPlan,
  Tail,
} from '../plan/plan.ts';
import { type RunRecord, RunRecordSchema, tailOf } from '../plan/run-record.ts';
import type { Step, StepOf } from '../plan/step.ts';
import { restartsIn } from '../plan/units.ts';
import { passingOver, timed } from '../progress.ts';
import { listsOutlived } from '../revocation/lists-outlived.ts';
import { compare } from '../rotation/compare.ts';
import { checkRenewal, whyNoLonger } from '../rotation/renewal.ts';
import { FOLLOW_UPS } from '../rotation/follow-ups.ts';
import { newFiles } from '../rotation/new-files.ts';
import { SERVICE_ACCOUNT } from '../rotation/service-account.ts';
import { signingKeysOutlived } from '../rotation/signing-key.ts';
import { FORMER, keepFormer } from '../credentials/former.ts';
import { changeCaBundle } from '../credentials/openstack-ca.ts';
import { withUserName } from '../credentials/user-name.ts';
import { findUnits, foundBefore } from './found-units.ts';
import { issueHands } from '../rotation/issue-hands.ts';
import { stageKept, stageLists } from './stage-files.ts';
import { credentialsChanged, nothingToDo, success, unchanged } from './report.ts';

/** The run id, the effects and the abort signal of a plan. */
export type Run = {
  /** The id of the deployment, or the name of the verb. */
  runId: string;
  hands: Hands;
  /** Fires when the program must stop. */
  abort: AbortSignal;
  /** Called before the restart of each unit. */
  beforeRestart?: BeforeRestart | undefined;
};

/** The result of a preparation. All work that can fail before a file is replaced is done. */
export type Staged =
  | { is: 'staged'; journal: Journal; tail: Tail }
  /** The node already has the requested state. */
  | { is: 'nothing-to-do'; outcome: Outcome };

/**
 * Logs in, compares, issues and stages: all steps before the first replaced file.
 *
 * @throws the error of the failed step; `undo` deletes staged files
 */
export async function prepare(plan: FilesPlan, run: Run): Promise<Staged> {
  switch (plan.kind) {
    case 'certificates':
      return await prepareCertificates(plan, run);
    case 'keys':
      await check(plan.check, run);
      return await stageNew(plan.stage, plan.node, undefined, run);
    case 'credentials':
      return await prepareCredentials(plan, run);
    case 'lists':
    case 'kept':
      await check(plan.check, run);
      return await stageFiles(plan, run);
  }
}

const during = async <T>(step: Step, { hands }: Run, work: () => Promise<T>): Promise<T> =>
  await timed(hands, showStep(step), work);

const logIn = async (step: StepOf<'log-in'>, { params }: Node, run: Run): Promise<Cluster> =>
  await during(step, run, async () => await run.hands.openCluster(params, step.token, run.abort));

const check = async (step: StepOf<'check'>, run: Run): Promise<void> => {
  await during(step, run, async () => {
    await requireFit(step.paths, step.units, run.hands, run.abort);
  });
};

async function prepareCertificates(plan: CertificatesPlan, run: Run): Promise<Staged> {
  const cluster = await logIn(plan.logIn, plan.node, run);
  await check(plan.check, run);
  const { material } = plan;
  if (!material.compare)
    return await stageNew(plan.stage, plan.node, await issue(material.issue, cluster, undefined, run), run);
  const { compared, why } = await compareNode(material.compare, plan.node, cluster, run);
  if (why !== undefined) return { is: 'nothing-to-do', outcome: nothingToDo(why) };
  const made = material.issue ? await issue(material.issue, cluster, compared, run) : compared;
  const whyNot =
    material.compare.mustLast === true ? await whyNoLonger(made, plan.node, run.hands) : undefined;
  if (whyNot !== undefined) return { is: 'nothing-to-do', outcome: nothingToDo(whyNot) };
  return await stageNew(plan.stage, plan.node, made, run);
}

async function compareNode(
  step: StepOf<'compare'>,
  node: Node,
  cluster: Cluster,
  run: Run,
): Promise<{ compared: Material; why: string | undefined }> {
  const { hands } = run;
  const { phase, authorities, serviceAccount } = step;
  return await during(step, run, async () => {
    const hear = issueHands(cluster, undefined, hands, { authorities, requests: [] });
    const compared = await issueCertificates([], authorities, hands.config.keys, hear);
    const fresh = new Map(
      [...compared.authorities].map(([type, pem]) => [type, oneCertificate(pem, `the ${type} CA`)]),
    );
    if (phase !== 'renew')
      return { compared, why: await compare({ phase, fresh, serviceAccount }, node, hands) };
    await checkRenewal(fresh, node, hands);
    return { compared, why: undefined };
  });
}

/**
 * Issues certificates.
 *
 * @param compared the CAs that the phase was compared with; the phase continues with the same ones
 */
async function issue(
  step: StepOf<'issue'>,
  cluster: Cluster,
  compared: Material | undefined,
  run: Run,
): Promise<Material> {
  const { hands, runId } = run;
  return await during(step, run, async () => {
    const { requests, authorities, algorithm } = step;
    const issuing = issueHands(cluster, compared, hands, step);
    const material = await issueCertificates(requests, authorities, algorithm, issuing);
    for (const { key } of material.certificates.values()) hands.secrets.addFor(runId, key);
    return material;
  });
}

async function stageNew(
  step: StepOf<'stage'>,
  node: Node,
  material: Material | undefined,
  run: Run,
): Promise<Staged> {
  const { hands, runId, abort } = run;
  return await during(step, run, async () => {
    const disk = step.mends === true ? await withoutDamaged(node.layout, hands.disk) : hands.disk;
    const files = await newFiles(step, node, material, { ...hands, disk });
    // In `trust`, all certificates are signed by the former CA, so its revocation lists still apply.
    const hasNewCa = step.certificates !== undefined && step.certificates !== 'trust';
    const outlived =
      hasNewCa && material
        ? [
            ...(await listsOutlived(node, material, hands, abort)),
            ...(await signingKeysOutlived(node, material, hands)),
          ]
        : [];
    const { units, left, all } = await findUnits(restartsIn(step.certificates, step.units), hands, abort);
    const journal = await hands.generations.stage(runId, files, (paths, over): RunRecord => {
      const changed = paths.filter((path) => path !== SERVICE_ACCOUNT && path !== FOLLOW_UPS);
      const begun = hands.clock.now();
      const keep = step.keep && { paths: [...step.keep], retires: step.certificates === 'retire' };
      const asks = step.certificates && step.mends !== true ? ('rotation' as const) : undefined;
      const kept = { found: foundBefore(all, over), workloads: step.workloads, begun, keep, asks };
      // On top of a stuck generation, units may not have read the present files.
      if (changed.length === 0 && over === undefined) return { ...kept, units: [], outcome: unchanged(step) };
      const notices = [...left.values(), ...outlived, ...(step.notices ?? []).map(({ text }) => text)];
      return { ...kept, units, outcome: success(step, changed, material, node, units, notices) };
    });
    return staged(journal, left, hands);
  });
}

async function prepareCredentials(plan: CredentialsPlan, run: Run): Promise<Staged> {
  const { hands, runId, abort } = run;
  const { node, login, seeCloud, stage } = plan;
  if (seeCloud)
    await during(seeCloud, run, async () => {
      await hands.seeCloud(seeCloud.url, seeCloud.ca, abort);
    });
  const cluster = login && (await logIn(login.logIn, node, run));
  if (login && cluster)
    await during(login.askCluster, run, async () => {
      const { ca, region } = login.askCluster;
      if (ca !== undefined) await cluster.readCa(ca, (pem) => verifyAuthority(pem, ca, hands.clock.now()));
      if (region !== '') await cluster.seeRegion();
    });
  await check(plan.check, run);
  const change = cluster ? await withUserName(stage.change, cluster) : stage.change;
  return await during(stage, run, async () => {
    // Check again: files may have changed during the request to the cloud.
    const { credentials } = node.layout;
    const { files: changed, notices } = await changeCredentialFiles(
      hands.disk,
      hands.config.heat_params,
      credentials,
      change,
      passingOver(hands),
    );
    const ca = stage.openstackCa;
    const bundle = ca === undefined ? undefined : await changeCaBundle(ca, credentials, hands.disk);
    const files = [...changed, ...(bundle ? [bundle.file] : [])];
    for (const notice of notices) hands.progress({ event: 'notice', ...notice });
    const { units, left, all } = await findUnits(stage.units, hands, abort);
    const hasApi = stage.objects !== undefined;
    const former = await keepFormer({ change, files, ca: bundle?.former }, hasApi, hands);
    const journal = await hands.generations.stage(runId, [former, ...files], (paths, over): RunRecord => ({
      units,
      found: foundBefore(all, over),
      objects: stage.objects,
      outcome: credentialsChanged(
        change,
        paths.filter((path) => path !== FORMER),
        units,
        [...left.values(), ...notices.map(({ text }) => text)],
      ),
      about: 'credentials',
      begun: hands.clock.now(),
    }));
    return staged(journal, left, hands);
  });
}

const stageFiles = async (plan: ListsPlan | KeptPlan, run: Run): Promise<Staged> =>
  await during(plan.stage, run, async () => {
    const { journal, left } = await (plan.kind === 'lists' ? stageLists : stageKept)(plan.stage, run);
    return staged(journal, left, run.hands);
  });

/** Builds the result and reports units that are not restarted. @param left why, by unit name */
function staged(journal: Journal, left: ReadonlyMap<string, string>, { progress }: Hands): Staged {
  for (const [of, text] of left) progress({ event: 'notice', code: 'unit-left-alone', of, text });
  return { is: 'staged', journal, tail: tailOf(v.parse(RunRecordSchema, journal.run)) };
}
