import * as v from 'valibot';
import { readIfThere } from '../src/base/disk.ts';
import { AgentError, explain } from '../src/base/errors.ts';
import { issueCertificates, type Material } from '../src/certificates/issue.ts';
import { recognizer } from '../src/certificates/recognize.ts';
import { fill } from '../src/certificates/template.ts';
import type { Outcome } from '../src/deployment/deployment.ts';
import type { Journal } from '../src/files/journal.ts';
import { findCandidates, type PassOver, readCopy } from '../src/files/candidates.ts';
import { renderFiles, renderServiceAccount } from '../src/files/render.ts';
import type { Standing } from '../src/services/lasting.ts';
import type { UnitPlan } from '../src/services/unit.ts';
import type { Cluster, Hands } from './hands.ts';
import type { Node } from './node.ts';
import { readOld } from './old.ts';
import { describeStep, type Step } from './plan.ts';
import { preflight } from './preflight.ts';
import { type Rest, RestSchema } from './rest.ts';
import { restarted as restartedOutcome, success } from './success.ts';
import { timed } from './timed.ts';
import { restart, seeThatTheyLast, unitsAsFound } from './units.ts';
import { wayBack } from './way-back.ts';

/** What a run of steps knows so far. */
type Run = {
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
  /** The units that have been restarted, as they stood then. */
  standing?: Standing[];
};

/** How each step is done. A new kind of step does not compile until it stands here. */
const perform: { [D in Step['do']]: (step: Extract<Step, { do: D }>, run: Run) => Promise<void> } = {
  'log-in': async ({ token }, run) => {
    run.cluster = await run.hands.openCluster(made(run.node).params, token, run.signal);
  },

  check: async ({ paths, units }, { hands, signal }) => {
    const findings = await preflight(paths, units, hands, signal);
    for (const { what } of findings.filter(({ verdict }) => verdict === 'warning'))
      hands.progress({ event: 'notice', text: what });
    const bad = findings.filter(({ verdict }) => verdict === 'bad');
    if (bad.length > 0) throw new AgentError('precondition', bad.map(({ what }) => what).join('; '));
  },

  issue: async ({ requests, authorities, algorithm }, run) => {
    const { hands } = run;
    run.material = await issueCertificates(requests, authorities, algorithm, {
      ...made(run.cluster),
      ...hands.keptRequests,
      now: hands.clock.now,
      done: (part, name) => {
        hands.progress({ event: 'part', text: `${part} ${name}` });
      },
    });
    for (const { key } of run.material.certificates.values()) hands.secrets.add(key);
  },

  stage: async ({ serviceAccount, units: planned }, run) => {
    const { hands } = run;
    const node = made(run.node);
    const read = async (path: string): Promise<string | undefined> =>
      (await readIfThere(hands.disk, path))?.toString('utf8');
    const passOver: PassOver = (path, error) => {
      hands.progress({ event: 'notice', text: `${path} is passed over: ${explain(error)}` });
    };
    const { material } = run;
    const certificates = material
      ? await renderFiles(node.layout, material, {
          clusterName: node.params.get('CLUSTER_UUID') ?? 'kubernetes',
          read,
          fill: (text) => fill(text, node.values),
          recognize: recognizer(await readOld(node.layout, read)),
          readCopy: async (path) => await readCopy(hands.disk, path, passOver),
          candidates: await findCandidates(hands.disk, node.layout, passOver),
        })
      : [];
    const pair = serviceAccount ? renderServiceAccount(node.layout, serviceAccount) : [];
    const files = [...certificates, ...pair];
    const { units, left } = await unitsAsFound(planned, hands, run.signal);
    run.left = left;
    run.journal = await hands.generations.stage(run.owner, files, (changed): Rest => ({
      units,
      outcome: success(changed, material, node, units, [...left.values()]),
    }));
  },

  replace: async (_, run) => {
    run.journal = await run.hands.generations.commit(made(run.journal));
  },

  restart: async ({ unit }, run) => {
    const why = run.left?.get(unit.unit);
    if (why !== undefined) run.hands.progress({ event: 'notice', text: why });
    else run.standing = [...(run.standing ?? []), ...(await restart(unit, run.hands))];
  },
};

const performStep = async <D extends Step['do']>(step: Extract<Step, { do: D }>, run: Run): Promise<void> => {
  await perform[step.do](step, run);
};

/**
 * Carries out the steps of a plan. What fails before `replace` leaves the node as it was; what fails after it
 * brings the old files back and restarts what was restarted. How it ended is in the journal until `conclude`.
 *
 * @throws the error of the step that failed, with what became of the node in its message; `aborted` when the
 *   program is to stop and nothing has been replaced yet: the same run can be made again later
 */
export async function carryOut(steps: readonly Step[], run: Run): Promise<Outcome> {
  const { hands } = run;
  const restarted: UnitPlan[] = [];
  try {
    for (const step of steps) {
      if (step.do === 'restart' && !run.left?.has(step.unit.unit)) restarted.push(step.unit);
      await timed(hands, describeStep(step), async () => {
        await performStep(step, run);
      });
    }
    await seeThatTheyLast(run.standing ?? [], hands);
  } catch (error) {
    // Staging can fail half-way, and replacing too: the journal on disk knows how far it came.
    const journal = await hands.generations.current();
    const own = journal?.owner === run.owner && journal.state !== 'stuck' ? journal : undefined;
    throw await wayBack(error, own, restarted, hands);
  }
  // Without a generation there was nothing but restarts.
  if (!run.journal) return restartedOutcome(restarted);
  const { outcome } = v.parse(RestSchema, run.journal.rest);
  await hands.generations.end(run.journal, run.journal.rest);
  return outcome;
}

/** What an earlier step of every plan provides. */
function made<T>(value: T | undefined): T {
  if (value === undefined)
    throw new AgentError('state', 'a step of the plan came before the one that it builds on');
  return value;
}
