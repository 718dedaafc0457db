import * as v from 'valibot';
import { AgentError, codeOf } from '../../src/base/errors.ts';
import { issueCertificates, type Material } from '../../src/certificates/issue.ts';
import { oneCertificate } from '../../src/certificates/read.ts';
import { verifyAuthority } from '../../src/certificates/verify.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import type { Journal } from '../../src/files/journal.ts';
import { changeCredentialFiles } from '../../src/files/credentials.ts';
import type { Phase } from '../../src/operation/phase.ts';
import type { Standing } from '../../src/services/lasting.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import { compare } from '../rotation/compare.ts';
import type { Cluster, Hands } from '../hands.ts';
import { listsOutlived } from '../revocation/lists-outlived.ts';
import { newFiles } from '../rotation/new-files.ts';
import { passingOver, timed } from '../progress.ts';
import type { Node } from '../node.ts';
import type { Step } from '../plan/step.ts';
import { requireFit } from '../inspection/preflight.ts';
import { type RunRecord, RunRecordSchema } from '../plan/run-record.ts';
import { SERVICE_ACCOUNT } from '../rotation/service-account.ts';
import { signingKeysOutlived } from '../rotation/signing-key.ts';
import {
  credentialsChanged,
  nothingToDo,
  restarted as restartedOutcome,
  success,
  unchanged,
} from './report.ts';
import { describeStep } from '../plan/describe.ts';
import { findUnits, foundBefore } from './found-units.ts';
import { issueHands } from './issue-hands.ts';
import { restart, seeList, seeThatTheyLast } from './units.ts';
import { excludeWayBack, wayBack } from './roll-back.ts';
import { restartClusterWorkloads } from '../rotation/workloads.ts';

/** What a run of steps knows so far. */
export type Run = {
  /** The deployment, or the verb, that this is for. */
  owner: string;
  hands: Hands;
  /** Fires when the program is to stop. */
  signal: AbortSignal;
  /** What the plan was made for; a run that is only finished after an interruption needs it no more. */
  node?: Node;
  cluster?: Cluster;
  material?: Material;
  journal?: Journal;
  /** Why units that the plan names are not restarted, by name. */
  left?: ReadonlyMap<string, string>;
  /** Nothing of what was staged differs from what is there. */
  isUnchanged?: boolean;
  /** How it ends before its last step: the node is as it is asked to be. */
  outcome?: Outcome;
  /** The units that have been restarted, or were about to be. */
  restarted?: UnitPlan[];
  /** As they stood then. */
  standing?: Standing[];
  /** What has been seen of lists of revoked certificates. */
  seen?: string[];
};

/** How each step is done. A new kind of step does not compile until it stands here. */
const perform: { [D in Step['do']]: (step: Extract<Step, { do: D }>, run: Run) => Promise<void> } = {
  'log-in': async ({ token }, run) => {
    run.cluster = await run.hands.openCluster(made(run.node).params, token, run.signal);
  },

  check: async ({ paths, units }, { hands, signal }) => {
    await requireFit(paths, units, hands, signal);
  },

  compare: async ({ phase, authorities, serviceAccount }, run) => {
    const { hands } = run;
    run.material = await issueCertificates(
      [],
      authorities,
      hands.config.keys,
      issueHands(made(run.cluster), run.material, hands),
    );
    const fresh = new Map(
      [...run.material.authorities].map(([type, pem]) => [type, oneCertificate(pem, `the ${type} CA`)]),
    );
    const why = await compare({ phase, fresh, serviceAccount }, made(run.node), hands);
    if (why !== undefined) run.outcome = nothingToDo(why);
  },

  issue: async ({ requests, authorities, algorithm }, run) => {
    const { hands } = run;
    run.material = await issueCertificates(
      requests,
      authorities,
      algorithm,
      issueHands(made(run.cluster), run.material, hands),
    );
    for (const { key } of run.material.certificates.values()) hands.secrets.addFor(run.owner, key);
  },

  stage: async (step, run) => {
    const { hands, material } = run;
    const node = made(run.node);
    const files = await newFiles(step, node, material, hands);
    const outlived =
      hasNewCa(step.certificates) && material
        ? [
            ...(await listsOutlived(node, material, hands, run.signal)),
            ...(await signingKeysOutlived(node, material, hands)),
          ]
        : [];
    const { units, left, all } = await findUnits(step.units, hands, run.signal);
    run.left = left;
    run.journal = await hands.generations.stage(run.owner, files, (paths, over): RunRecord => {
      const changed = paths.filter((path) => path !== SERVICE_ACCOUNT);
      // Over a stuck generation units may not have read what lies there already.
      run.isUnchanged = changed.length === 0 && over === undefined;
      const kept = { found: foundBefore(all, over), workloads: step.workloads };
      if (run.isUnchanged) return { ...kept, units: [], outcome: unchanged(step) };
      const notices = [...left.values(), ...outlived, ...(step.notices ?? [])];
      return { ...kept, units, outcome: success(step, changed, material, node, units, notices) };
    });
  },

  'stage-files': async ({ files, units, lists, said }, run) => {
    const outcome: Outcome = { statusCode: 0, stdout: [...said, ''].join('\n'), stderr: '', outputs: {} };
    const { all } = await findUnits(
      lists.map(({ unit }) => unit),
      run.hands,
      run.signal,
    );
    run.journal = await run.hands.generations.stage(run.owner, files, (_, over): RunRecord => ({
      units: [...units],
      found: foundBefore(all, over),
      lists: [...lists],
      outcome,
    }));
  },

  'ask-cluster': async ({ ca, region }, { cluster, hands }) => {
    if (ca !== undefined)
      await made(cluster).readCa(ca, (pem) => verifyAuthority(pem, ca, hands.clock.now()));
    if (region !== '') await made(cluster).seeRegion();
  },

  'stage-credentials': async ({ change, units: planned }, run) => {
    const { hands } = run;
    // Once more: the cloud may have taken its time, and somebody may have been at the files meanwhile.
    const { files, notices } = await changeCredentialFiles(
      hands.disk,
      hands.config.heat_params,
      made(run.node).layout.credentials,
      change,
      passingOver(hands),
    );
    for (const text of notices) hands.progress({ event: 'notice', text });
    const { units, left, all } = await findUnits(planned, hands, run.signal);
    run.left = left;
    run.journal = await hands.generations.stage(run.owner, files, (changed, over): RunRecord => ({
      units,
      found: foundBefore(all, over),
      outcome: credentialsChanged(change, changed, units, [...left.values(), ...notices]),
      about: 'credentials',
    }));
  },

  replace: async (_, run) => {
    run.journal = await run.hands.generations.commit(made(run.journal));
  },

  restart: async ({ unit }, run) => {
    const why = run.left?.get(unit.unit);
    if (why !== undefined) run.hands.progress({ event: 'notice', text: why });
    else await restartIn(run, unit);
  },

  'prove-list': async ({ list }, run) => {
    let { read, said } = await seeList(list, run.hands);
    const unread = `that ${list.file} has been read cannot be seen`;
    if (!read && list.rereads) {
      run.hands.progress({ event: 'notice', text: `${unread}: ${list.unit.unit} is restarted` });
      await restartIn(run, list.unit);
      ({ read, said } = await seeList(list, run.hands));
    }
    run.seen = [...(run.seen ?? []), ...said, ...(read ? [] : [unread])];
  },

  'restart-workloads': async ({ plan }, run) => {
    await seeThatTheyLast(run.standing ?? [], run.hands);
    run.standing = [];
    run.journal = await excludeWayBack(made(run.journal), run.hands);
    const { said } = await restartClusterWorkloads(plan, run.hands, run.signal);
    run.seen = [...(run.seen ?? []), ...said];
  },
};

/** In `trust` certificates of the former CA are the only ones, and its lists hold. */
const hasNewCa = (phase: Phase | undefined): boolean => phase !== undefined && phase !== 'trust';

async function restartIn(run: Run, unit: UnitPlan): Promise<void> {
  run.restarted = [...(run.restarted ?? []), unit];
  run.standing = [...(run.standing ?? []), ...(await restart(unit, run.hands))];
}

const performStep = async <D extends Step['do']>(step: Extract<Step, { do: D }>, run: Run): Promise<void> => {
  await perform[step.do](step, run);
};

/**
 * Carries out the steps of a plan. What fails before `replace` leaves the node as it was; what fails after it
 * brings the old files back and restarts what was restarted. How it ended is in the journal until `conclude`.
 *
 * @throws the error of the step that failed, with what became of the node in its message; `aborted` when the
 *   program is to stop and nothing has been replaced yet, so that the same run can be made again later, and when the
 *   node is switched off: then the journal knows how far it came
 */
export async function carryOut(steps: readonly Step[], run: Run): Promise<Outcome> {
  const { hands } = run;
  try {
    for (const step of steps) {
      // What reads the files has read just these.
      if (step.do === 'restart' && run.isUnchanged === true) continue;
      await timed(hands, describeStep(step), async () => {
        await performStep(step, run);
      });
      if (run.outcome) return run.outcome;
    }
    await seeThatTheyLast(run.standing ?? [], hands);
  } catch (error) {
    // Staging can fail half-way, and replacing too: the journal on disk knows how far it came.
    const journal = await hands.generations.current();
    const own = journal?.owner === run.owner && journal.state !== 'stuck' ? journal : undefined;
    // The node is switched off after files were replaced: the next start goes on from the journal.
    if (own && own.state !== 'staging' && codeOf(error) === 'aborted') throw error;
    throw await wayBack(error, own, hands);
  }
  // Without a generation there was nothing but restarts.
  if (!run.journal) return restartedOutcome(run.restarted ?? []);
  const rest = v.parse(RunRecordSchema, run.journal.rest);
  const stdout = [rest.outcome.stdout, ...(run.seen ?? []).map((line) => `${line}\n`)].join('');
  const outcome = { ...rest.outcome, stdout };
  await hands.generations.end(run.journal, { ...rest, outcome } satisfies RunRecord);
  return outcome;
}

/** What an earlier step of every plan provides. */
function made<T>(value: T | undefined): T {
  if (value === undefined)
    throw new AgentError('state', 'a step of the plan came before the one that it builds on');
  return value;
}
