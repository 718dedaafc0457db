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
 * One rotation from the first certificates to UPDATE_COMPLETE. What is said is looked at: the exit code is 0
 * only if every fact held.
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
    paint(
      'dim',
      '   Folders stand in for the nodes and TLS services for their units; the agent is the real one.',
    ),
  );
}

/** Every node makes its keys and has its first certificates signed. */
async function makeFirstCertificates(show: Show): Promise<Place[]> {
  const { stage, screen, checks } = show;
  screen.chapter('Their first certificates, by fingerprint: `agent make-cert` on both');
  screen.now('9 keys (RSA 4096) are made, 9 certificates signed by Magnum');
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

/** What a person who leaves has copied: good, as long as its CA is. */
async function copyAdmin({ stage, screen, checks }: Show): Promise<Client> {
  const copy = await readAdmin(stage);
  screen.chapter('Somebody leaves, and takes a copy of admin.crt and admin.key along');
  const answer = await knock(apiPort(stage), copy);
  checks.check(`the admin certificate opens the apiserver: ${answer.how}`, answer.served);
  say(screen, answer, 'the copy');
  return copy;
}

async function startDaemons(show: Show): Promise<(() => Promise<number | null>)[]> {
  const { stage, screen, timeline } = show;
  screen.now('the daemons start: `agent run` on both');
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

/** The owner's one command, and what comes of it. */
async function rotate(show: Show): Promise<void> {
  const { stage, screen, checks, timeline } = show;
  const { cloud, cluster } = stage;
  const restartsBefore = actors(show).map(({ node }) => node.units.restarts.length);
  screen.chapter("The cluster's owner rotates its CA; `agent run` is at work on both nodes");
  screen.line(`   $ ${screen.paint('cyan', 'openstack coe ca rotate k1')}`);
  timeline.start();
  await cloud.rotateCa(cluster);
  timeline.tell('Magnum', `202: three new CAs; Heat: stack ${cloud.stackStatus(cluster)}`);
  await cloud.settled(cluster, PATIENCE_MS);
  const [stack, status] = [cloud.stackStatus(cluster), cloud.clusterStatus(cluster)];
  // The daemons' last words are still on their way.
  await new Promise((resolve) => setTimeout(resolve, 300));
  timeline.tell('Heat', `stack ${stack}`);
  timeline.tell('Magnum', `cluster ${status}`);
  timeline.stop();

  checks.check(`the stack is UPDATE_COMPLETE: ${stack}`, stack === 'UPDATE_COMPLETE');
  checks.check(`the cluster is UPDATE_COMPLETE: ${status}`, status === 'UPDATE_COMPLETE');
  const signals = cloud.signals.filter(
    ({ accepted, body }) => accepted && body?.['deploy_status_code'] === 0,
  );
  checks.check('one success was signalled for each node', signals.length === 2 && cloud.signals.length === 2);
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
  screen.chapter('What lies on the nodes now');
  const after = await readNodes(stage);
  drawNodes(screen, after, before);
  screen.now('every file and every port is looked at');
  checkChanged(before, after, checks);
  await checkFiles(stage, after, checks);
  await checkServiceAccount(stage, checks);
  for (const actor of actors(show)) await checkPorts(actor, after, checks);
  screen.now('');
}

/** The same doors again, for the one who left and for those who stay. */
async function knockAgain({ stage, screen, checks }: Show, copy: Client): Promise<void> {
  const port = apiPort(stage);
  const admin = await readAdmin(stage);
  screen.chapter('Who gets in now');

  const left = await knock(port, { ...copy, ca: admin.ca });
  checks.check(`the apiserver refuses the old admin certificate: ${left.how}`, left.refused);
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
  const word = served ? paint('green', 'accepted') : paint('red', 'refused ');
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
  for (const stop of stops) show.checks.check('a daemon stops when it is asked to', (await stop()) === 0);
}

/** The last line; the exit code says the same. */
function conclude({ line, paint }: Screen, { passed, failures }: Checks, seconds: string): void {
  line();
  for (const failure of failures) line(`${paint('red', '✗')} ${failure}`);
  if (failures.length === 0)
    line(
      `${paint(['bold', 'green'], 'It holds.')} ${passed} facts looked at in ${seconds} s; nothing is left behind.`,
    );
  else
    line(
      `${paint(['bold', 'red'], 'It does not hold.')} ${failures.length} of ${passed + failures.length} facts failed.`,
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

/** Ends the program as the signal would have, when everything is cleaned up. A second one does not wait. */
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
// What fails while everything is taken down says nothing.
if (stopping) await stopping;
else {
  screen.close();
  await (await staging).close();
  conclude(screen, checks, ((performance.now() - began) / 1000).toFixed(0));
}
