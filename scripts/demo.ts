import { X509Certificate } from 'node:crypto';
import { type Client, type Knock, knock, type Place } from './demo.d/certificates.ts';
import { type Checks, createChecks } from './demo.d/checks.ts';
import {
  checkChanged,
  checkFiles,
  checkPorts,
  checkServiceAccount,
  drawNodes,
  readAdmin,
  readNodes,
} from './demo.d/nodes.ts';
import { createScreen, type Screen } from './demo.d/screen.ts';
import { type Actor, setStage, type Stage } from './demo.d/stage.ts';
import { createTimeline, type Timeline } from './demo.d/timeline.ts';

/**
 * Shows one rotation from the first certificates to UPDATE_COMPLETE. Every statement is checked: the exit code is 0
 * only if all facts are true.
 */

const PATIENCE_MS = 90_000;

type Show = { stage: Stage; screen: Screen; checks: Checks; timeline: Timeline };

const actors = ({ stage }: Show): Actor[] => [stage.master, stage.worker];

function introduce({ stage, screen }: Show): void {
  const { line, paint, chapter } = screen;
  chapter('The cluster k1, in a cloud of its own on loopback: Keystone, Heat and Magnum');
  for (const { name, layout, units, served, node } of [stage.master, stage.worker]) {
    const ports = served.map((unit) => `${unit} :${node.units.port(unit)}`).join(', ');
    line(`   ${name.padEnd(10)}${layout.padEnd(18)}${ports} and ${units.length - served.length} more`);
  }
  line(
    paint('dim', '   Folders replace the nodes, and TLS services their units; the agent is the real one.'),
  );
}

/** Makes every node's keys and first certificates. */
async function makeFirstCertificates(show: Show): Promise<Place[]> {
  const { stage, screen, checks } = show;
  screen.chapter('Their first certificates, by fingerprint: `agent make-cert` on both');
  screen.now('making 9 keys (RSA 4096), for which Magnum signs 9 certificates');
  await Promise.all(
    actors(show).map(async ({ name, agent, startUnits }) => {
      const run = agent(['make-cert']);
      if (!checks.check(`agent make-cert on ${name}`, (await run.ended) === 0))
        throw new Error(`agent make-cert on ${name} failed: ${run.output}`);
      await startUnits();
    }),
  );
  const places = await readNodes(stage);
  drawNodes(screen, places);
  await checkFiles(stage, places, checks);
  for (const actor of actors(show)) await checkPorts(actor, places, checks);
  screen.now('');
  return places;
}

/** Copies the admin's certificate, as a departing person might: it is valid as long as its CA. */
async function copyAdmin({ stage, screen, checks }: Show): Promise<Client> {
  const copy = await readAdmin(stage);
  screen.chapter('A departing colleague keeps a copy of admin.crt and admin.key');
  const answer = await knock(apiPort(stage), copy);
  checks.check(`the apiserver accepts the admin certificate: ${answer.how}`, answer.served);
  say(screen, answer, 'the copy');
  return copy;
}

async function startDaemons(show: Show): Promise<(() => Promise<number | null>)[]> {
  const { stage, screen, timeline } = show;
  screen.now('starting the daemons: `agent run` on both');
  const daemons = actors(show).map(({ name, agent }) =>
    agent(['run', '--log-level', 'debug'], (line) => {
      timeline.hear(name, line);
    }),
  );
  const asked = (name: string): boolean =>
    stage.cloud.requests.some(({ path }) => path.includes(`/${name}/metadata`));
  await stage.cloud.until(() => actors(show).every(({ name }) => asked(name)), PATIENCE_MS);
  screen.now('');
  return daemons.map(({ stop }) => stop);
}

/** Runs the owner's one command, and shows its effect. */
async function rotate(show: Show): Promise<void> {
  const { stage, screen, checks, timeline } = show;
  const { cloud, cluster } = stage;
  const restartsBefore = actors(show).map(({ node }) => node.units.restarts.length);
  screen.chapter("The cluster's owner rotates its CA; `agent run` runs on both nodes");
  screen.line(`   $ ${screen.paint('cyan', 'openstack coe ca rotate k1')}`);
  timeline.start();
  await cloud.rotateCa(cluster);
  timeline.tell('Magnum', `202: three new CAs; Heat: stack ${cloud.stackStatus(cluster)}`);
  await cloud.settled(cluster, PATIENCE_MS);
  const [stack, status] = [cloud.stackStatus(cluster), cloud.clusterStatus(cluster)];
  // The daemons' last log lines are still on their way.
  await new Promise((resolve) => setTimeout(resolve, 300));
  timeline.tell('Heat', `stack ${stack}`);
  timeline.tell('Magnum', `cluster ${status}`);
  timeline.stop();

  checks.check(`the stack is UPDATE_COMPLETE: ${stack}`, stack === 'UPDATE_COMPLETE');
  checks.check(`the cluster is UPDATE_COMPLETE: ${status}`, status === 'UPDATE_COMPLETE');
  const signals = cloud.signals.filter(
    ({ accepted, body }) => accepted && body?.['deploy_status_code'] === 0,
  );
  checks.check('each node signalled one success', signals.length === 2 && cloud.signals.length === 2);
  for (const [index, { name, node, units }] of actors(show).entries()) {
    const restarts = node.units.restarts.slice(restartsBefore[index]);
    checks.check(
      `${name} restarted its units once, in order: ${restarts.join()}`,
      restarts.join() === units.join(),
    );
  }
}

async function compare(show: Show, before: Place[]): Promise<void> {
  const { stage, screen, checks } = show;
  screen.chapter('The files on the nodes');
  const after = await readNodes(stage);
  drawNodes(screen, after, before);
  screen.now('checking every file and every port');
  checkChanged(before, after, checks);
  await checkFiles(stage, after, checks);
  await checkServiceAccount(stage, checks);
  for (const actor of actors(show)) await checkPorts(actor, after, checks);
  screen.now('');
}

/** Repeats the requests with the departed person's copy and with the new certificates. */
async function knockAgain({ stage, screen, checks }: Show, copy: Client): Promise<void> {
  const port = apiPort(stage);
  const admin = await readAdmin(stage);
  screen.chapter('Accepted and rejected clients');

  const left = await knock(port, { ...copy, ca: admin.ca });
  checks.check(`the apiserver rejects the old admin certificate: ${left.how}`, left.refused);
  const [leaf, ca] = [new X509Certificate(copy.cert), new X509Certificate(admin.ca)];
  checks.check('the new CA did not sign the old admin certificate', !leaf.verify(ca.publicKey));
  say(screen, left, 'the old admin.crt', '(a CA of the same name, another key)');

  const stale = await knock(port, copy);
  checks.check(`the old CA does not vouch for the apiserver: ${stale.how}`, stale.refused);
  say(screen, stale, 'the old ca.crt');

  const stays = await knock(port, admin);
  checks.check(`the apiserver accepts the new admin certificate: ${stays.how}`, stays.served);
  say(screen, stays, 'the new admin.crt');
}

const apiPort = ({ master }: Stage): number => master.node.units.port('kube-apiserver');

const say = ({ line, paint }: Screen, { served, how }: Knock, who: string, why = ''): void => {
  const word = served ? paint('green', 'accepted') : paint('red', 'rejected');
  line(`   ${who.padEnd(19)}${word}  ${how} ${paint('dim', why)}`.trimEnd());
};

async function play(show: Show): Promise<void> {
  introduce(show);
  const before = await makeFirstCertificates(show);
  const copy = await copyAdmin(show);
  const stops = await startDaemons(show);
  await rotate(show);
  await compare(show, before);
  await knockAgain(show, copy);
  for (const stop of stops) show.checks.check('a daemon stops on SIGTERM', (await stop()) === 0);
}

/** Prints the last line; the exit code has the same meaning. */
function conclude({ line, paint }: Screen, { passed, failures }: Checks, seconds: string): void {
  line();
  for (const failure of failures) line(`${paint('red', '✗')} ${failure}`);
  if (failures.length === 0)
    line(
      `${paint(['bold', 'green'], 'Passed.')} ${passed} facts checked in ${seconds} s; nothing is left behind.`,
    );
  else
    line(
      `${paint(['bold', 'red'], 'Failed.')} ${failures.length} of ${passed + failures.length} facts are wrong.`,
    );
  process.exitCode = failures.length === 0 ? 0 : 1;
}

const began = performance.now();
const screen = createScreen(process.stdout);
const checks = createChecks();
screen.line(
  `${screen.paint('bold', 'coe-agent')}: one CA rotation, from the owner's command to every certificate of two nodes`,
);
const staging = setStage();
let stopping: Promise<void> | undefined;

/** Ends the program as the signal would, after the clean-up. A second signal does not wait. */
const leave = async (signal: NodeJS.Signals): Promise<void> => {
  screen.close();
  console.error('stopped; cleaning up');
  await (await staging).close();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void (stopping ??= leave(signal)));
// `scripts/demo | head`
process.stdout.on('error', () => void (stopping ??= leave('SIGTERM')));

try {
  await play({ stage: await staging, screen, checks, timeline: createTimeline(screen) });
} catch (error) {
  checks.check(error instanceof Error ? error.message : String(error), false);
}
// Errors during the shutdown are ignored.
if (stopping) await stopping;
else {
  screen.close();
  await (await staging).close();
  conclude(screen, checks, ((performance.now() - began) / 1000).toFixed(0));
}
