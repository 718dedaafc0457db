import { AgentError, explain } from '../../src/base/errors.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { createExamination, type Examination } from '../inspection/examination.ts';
import { type Finding, type FindingId, nextStepsOf } from '../inspection/finding.ts';
import { viAt } from '../inspection/layout-files.ts';
import { lookAtPermissions } from '../inspection/permissions.ts';
import { dropInsOf, HEAT_PARAMS } from '../config.ts';
import { OS_COLLECT_CONFIG } from '../config/os-collect.ts';
import { watchSignals } from '../lifecycle.ts';
import { lookAtCloud } from './doctor/cloud.ts';
import { lookAtNode } from './doctor/node.ts';
import { createTerminal } from './terminal.ts';
import { writeJson } from './json-answer.ts';
import { openConfigured, openUnconfigured } from './open-anyway.ts';
import type { Context, OpenHands, Verb } from './verb.ts';

/**
 * Checks whether a rotation would succeed now and whether the node is healthy. Checks everything that either needs, and
 * changes nothing. Shows each finding as soon as it is known: first the node, then its services, then the cloud.
 */
export const verb: Verb = async (context) => {
  const { stopping } = watchSignals();
  const examination = createExamination(context.json ? () => undefined : shownOn(context), stopping);
  const configured = await openConfigured(context);
  await lookAtFiles(context, examination);
  const hands = await tellConfiguration(configured, context, examination);
  try {
    if (hands) {
      const node = await lookAtNode(context, hands, examination, stopping);
      await lookAtCloud(node, hands, examination, stopping);
    }
  } finally {
    hands?.close();
  }
  const { findings } = examination;
  const isComplete = !stopping.aborted;
  const nextSteps = nextStepsOf(findings);
  if (context.json) writeJson(context, 'doctor', { isComplete, findings, nextSteps });
  else if (nextSteps.length > 1) {
    const { line } = createTerminal(context.world.stdout, context.secrets);
    line('next, in this order:');
    for (const [index, { command }] of nextSteps.entries()) line(`  ${index + 1}. ${command}`);
  }
  return isComplete ? exitCodeFor(findings) : EXIT.deploymentFailed;
};

/** Checks that ask the cloud. If only these fail, the node itself may be healthy. */
const OF_THE_CLOUD: ReadonlySet<FindingId> = new Set(['collector', 'trust', 'magnum-ca']);

/** Checks whose text names neither the address nor the login that was used. */
const NAMES_NO_ADDRESS: ReadonlySet<FindingId> = new Set(['collector', 'magnum-ca', 'trust-roles']);

function exitCodeFor(findings: readonly Finding[]): ExitCode {
  const bad = findings.filter(({ verdict }) => verdict === 'bad');
  if (bad.length === 0) return EXIT.done;
  return bad.every(({ id }) => OF_THE_CLOUD.has(id)) ? EXIT.cloudNotReady : EXIT.deploymentFailed;
}

function shownOn({ world, secrets }: Context): (finding: Finding) => void {
  const { line, paint } = createTerminal(world.stdout, secrets);
  const marks = { good: paint('green', '✓'), warning: paint('yellow', '!'), bad: paint('red', '✗') };
  return ({ id, verdict, what, url, login, next }) => {
    line(`${marks[verdict]} ${what}`);
    const asked = [url, login && `as ${login}`].filter(Boolean);
    if (verdict === 'bad' && NAMES_NO_ADDRESS.has(id) && asked.length > 0)
      line(`    asked: ${asked.join(', ')}`);
    if (next !== undefined) line(`    next: ${next}`);
  };
}

/** Checks who can change or read the agent's configuration and secrets; needs no configuration. */
async function lookAtFiles({ disk, configPath }: Context, { look }: Examination): Promise<void> {
  const dropIns = dropInsOf(configPath);
  const names = (await disk.list(dropIns).catch(() => [])).filter((name) => /\.ya?ml$/.test(name));
  const files = [configPath, ...names.map((name) => `${dropIns}/${name}`), OS_COLLECT_CONFIG, HEAT_PARAMS];
  for (const path of files)
    await look(
      { id: 'permissions', of: path },
      async () => await lookAtPermissions(path, path === HEAT_PARAMS, disk),
      (found) => found,
    );
}

/**
 * Returns the hands to look with. If the configuration is unusable, they are those of a node without a configuration.
 */
async function tellConfiguration(
  configured: OpenHands | AgentError,
  context: Context,
  { tell, look }: Examination,
): Promise<OpenHands | undefined> {
  const about = { id: 'configuration', of: context.configPath } as const;
  if (!(configured instanceof AgentError)) {
    const what = `the configuration is ${configured.config.sources.join(', ')}`;
    tell({ ...about, verdict: 'good', what });
    return configured;
  }
  const { BadConfigFile } = await import('../config/yaml.ts');
  const place =
    configured instanceof BadConfigFile
      ? { of: configured.source, next: viAt(configured.source, configured.line) }
      : {};
  tell({ ...about, verdict: 'bad', reason: configured.code, what: explain(configured), ...place });
  return await look(
    about,
    async () => await openUnconfigured(context),
    () => [],
  );
}
