import { explain } from '../../src/base/errors.ts';
import { verifyAuthority } from '../../src/certificates/verify.ts';
import { bringsFacts } from '../../src/metadata/collector.ts';
import { ROTATE_ALL } from '../../src/operation/operation.ts';
import { collect, understand } from '../pass/collect.ts';
import { EXIT, exitCodeOf } from './exit-code.ts';
import type { Hands } from '../hands.ts';
import { describeFault } from '../inspection/fault.ts';
import { takeInventory } from '../inspection/inventory.ts';
import { watchSignals } from '../lifecycle.ts';
import { lookAtLists } from '../inspection/revocation-lists.ts';
import { checkNode, type Node, readNode } from '../node.ts';
import { unitsOf } from '../plan/units.ts';
import { planRotation } from '../rotation/plan.ts';
import { servedBeside } from '../../src/services/predecessors.ts';
import type { Finding } from '../inspection/finding.ts';
import { preflight } from '../inspection/preflight.ts';
import { lookAtTrust } from '../inspection/trust.ts';
import { findCopiesOf } from '../rotation/find-copies.ts';
import { createTerminal } from './terminal.ts';
import { writeJson } from './json-answer.ts';
import { openHands, type Verb } from './verb.ts';

/** Looks at everything that a rotation needs and says what would stop one; it changes nothing. */
export const verb: Verb = async (context) => {
  const hands = await openHands(context, () => undefined);
  const { stopping } = watchSignals();
  const findings: Finding[] = [];
  let code: ReturnType<typeof exitCodeOf> = EXIT.done;
  const attempt = async <T>(
    about: Pick<Finding, 'id' | 'of'>,
    good: string,
    look: () => Promise<T>,
  ): Promise<T | undefined> => {
    try {
      const result = await look();
      findings.push({ ...about, verdict: 'good', what: good });
      return result;
    } catch (error) {
      findings.push({ ...about, verdict: 'bad', what: explain(error) });
      code ||= exitCodeOf(error);
      return undefined;
    }
  };
  try {
    const { config } = hands;
    findings.push({
      id: 'configuration',
      verdict: 'good',
      what: `the configuration is ${config.sources.join(', ')}`,
    });
    for (const what of await servedBeside(hands.disk))
      findings.push({ id: 'second-agent', verdict: 'warning', what });
    const node = await attempt(
      { id: 'heat-params', of: config.heat_params },
      `${config.heat_params} has all that is needed`,
      async () => {
        const read = await readNode(hands);
        checkNode(read, config.heat_params, false);
        return read;
      },
    );
    const { texts, problems: unanswered, answers } = await collect(hands, stopping);
    for (const { collector, why } of answers)
      if (why === undefined)
        findings.push({
          id: 'collector',
          of: collector,
          verdict: 'good',
          what: `the collector ${collector} answers`,
        });
      else if (bringsFacts(collector))
        findings.push({ id: 'collector', of: collector, verdict: 'warning', what: `${collector}: ${why}` });
    for (const problem of understand(texts, unanswered, hands).problems) {
      findings.push({ id: 'metadata', verdict: 'bad', what: explain(problem) });
      code ||= exitCodeOf(problem);
    }
    const adopted = hands.pollingOverride.describe();
    if (adopted)
      findings.push({
        id: 'polling-override',
        verdict: adopted.isSettled ? 'good' : 'warning',
        what: adopted.text,
      });
    if (node) {
      const cluster = await attempt(
        { id: 'trust' },
        'the trust lets this node log in',
        async () => await hands.openCluster(node.params, undefined, stopping, { patient: false }),
      );
      if (cluster) findings.push(lookAtTrust(await cluster.roles()));
      if (cluster)
        for (const { ca } of node.layout.authorities)
          await attempt(
            { id: 'magnum-ca', of: ca },
            `Magnum gives the ${ca} CA`,
            async () => await cluster.readCa(ca, (pem) => verifyAuthority(pem, ca, hands.clock.now())),
          );
      findings.push(...(await lookAtNode(node, hands, stopping)));
      findings.push(...(await lookAtLists(node, hands, stopping)));
    }
    const stuck = (await hands.generations.current())?.state === 'stuck';
    if (stuck)
      findings.push({
        id: 'generation',
        verdict: 'bad',
        what: 'a rotation is stuck between two generations: agent rollback, or rotate again',
      });
    if (findings.some(({ verdict }) => verdict === 'bad')) code ||= EXIT.deploymentFailed;

    if (context.json) writeJson(context, 'doctor', { findings });
    else {
      const { line, paint } = createTerminal(context.world.stdout, context.secrets);
      const marks = { good: paint('green', '✓'), warning: paint('yellow', '!'), bad: paint('red', '✗') };
      for (const { verdict, what } of findings) line(`${marks[verdict]} ${what}`);
    }
    return code;
  } finally {
    hands.close();
  }
};

/** What preflight looks at, and the certificates that the node has now. */
async function lookAtNode(node: Node, hands: Hands, abort: AbortSignal): Promise<Finding[]> {
  const copies = await findCopiesOf(node, hands);
  const { check } = planRotation(ROTATE_ALL, node, await unitsOf(node, hands, abort), hands.config, copies);
  const findings = await preflight(check.paths, check.units, hands, abort);
  for (const { path, what } of copies.left) findings.push({ id: 'copy', of: path, verdict: 'warning', what });
  const holdings = await takeInventory(hands.disk, node.layout, hands.clock.now());
  const faulty = holdings.filter(({ faults }) => faults.length > 0);
  if (faulty.length === 0)
    findings.push({ id: 'certificate', verdict: 'good', what: 'every certificate is good and its key fits' });
  // A rotation is what mends these, so they do not stop one.
  for (const { file, faults } of faulty)
    findings.push({
      id: 'certificate',
      of: file,
      verdict: 'warning',
      what: `${file} ${faults.map(describeFault).join('; ')}`,
    });
  return findings;
}
