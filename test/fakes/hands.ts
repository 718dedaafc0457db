import { hooksOf, runsOf } from '../../agent/compose/runs.ts';
import { loadConfig } from '../../agent/config.ts';
import { EVENTS } from '../../agent/events.ts';
import type { Hands } from '../../agent/hands.ts';
import type { Progress } from '../../agent/progress.ts';
import { AgentError } from '../../src/base/errors.ts';
import { createLog } from '../../src/base/log.ts';
import { createRetry } from '../../src/base/retry.ts';
import { createSecrets } from '../../src/base/secrets.ts';
import { type Ledger, openLedger } from '../../src/deployment/ledger.ts';
import { createGenerations } from '../../src/files/generation.ts';
import { createKeptGenerations } from '../../src/files/kept.ts';
import { createKeptRequests } from '../../src/files/kept-requests.ts';
import type { Systemctl, UnitState } from '../../src/services/systemctl.ts';
import { type TestClock, testClock } from '../src/support/clock.ts';
import { tempRoot, type TempRoot } from '../src/support/temp-root.ts';
import { FAILED, NOT_FOUND, RUNNING } from '../src/support/unit-states.ts';

/** The systemd of a node, as a table of unit states. */
export type UnitTable = {
  /** Each unit of the node. */
  states: Map<string, UnitState>;
  /** The restarts, in order. */
  restarts: string[];
  /** The stops, in order. */
  stops: string[];
  /** Units that fail to start from now on. */
  broken: Set<string>;
  goesDown: boolean;
};

/** Hands without a network, a process or a wait; a hand that the test does not provide throws. */
export type TestHands = TempRoot & {
  hands: Hands;
  clock: TestClock;
  /** The log at level debug, one JSON line each. */
  log: string[];
  progress: Progress[];
  units: UnitTable;
  /** Opens the ledger as the next start of the agent does. */
  reopen(): Promise<Ledger>;
};

export type HandsSpec = {
  /** Files of the node from which configuration and hands are made. */
  files?: Readonly<Record<string, string>>;
  /** Lines of agent.yaml that override those of a node without a cloud. */
  config?: readonly string[];
  /** The running units. */
  units?: readonly string[];
  over?: Partial<Hands>;
};

const CONFIG_PATH = '/etc/coe-agent/agent.yaml';
const STATE = '/var/lib/coe-agent';

export async function createHands(spec: HandsSpec = {}): Promise<TestHands> {
  const temp = await tempRoot();
  const { disk, root } = temp;
  const config = ['collectors: [local]', 'keys: ec-p256', ...(spec.config ?? [])].join('\n');
  for (const [path, content] of Object.entries({ [CONFIG_PATH]: config, ...spec.files }))
    await temp.write(path, content);
  await disk.makeDirectory(STATE, { mode: 0o700 });
  // Certificates that openssl makes for a test begin in the second of their creation.
  const clock = testClock(Date.now() + 60_000);
  const [log, progress]: [string[], Progress[]] = [[], []];
  const secrets = createSecrets();
  const loaded = await loadConfig(disk, CONFIG_PATH, () => undefined);
  const table: UnitTable = {
    states: new Map((spec.units ?? []).map((name) => [name, RUNNING])),
    restarts: [],
    stops: [],
    broken: new Set(),
    goesDown: false,
  };
  const systemctl = async (): Promise<Systemctl> => await Promise.resolve(systemctlOf(table));
  const reopen = async (): Promise<Ledger> =>
    await openLedger({ disk, clock, onDamage: () => undefined }, `${STATE}/deployments`);
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const hands: Hands = {
    config: loaded,
    clock,
    log: createLog({
      events: EVENTS,
      level: 'debug',
      style: 'json',
      secrets,
      write: (line) => log.push(line),
    }),
    secrets,
    disk,
    callEtcd: async () => await Promise.reject(new Error('no etcd is called')),
    retry: createRetry({ clock, random: () => 1, onRetry: () => undefined }),
    hostname: 'k1-abc-master-0',
    asker: { verb: 'run', pid: process.pid, loginUid: undefined },
    collectors: [],
    pollingOverride: {
      describe: () => undefined,
      observe: async () => await Promise.resolve(false),
      apply: async () => await Promise.resolve(false),
    },
    listen: undefined,
    addressOf: async () => await Promise.resolve(undefined),
    ledger: await reopen(),
    generations: createGenerations(disk, `${STATE}/generation`, () => own),
    keptGenerations: createKeptGenerations(disk, `${STATE}/kept`),
    keptRequests: createKeptRequests(disk, `${STATE}/generation/requests`),
    openCluster: async () => await refuse('Magnum'),
    signals: {
      signalResource: async () => await refuse('Heat'),
      signalAddress: async () => await refuse('an address'),
      objectAt: () => refuseNow('an object'),
      queueOf: () => refuseNow('a queue'),
      sleep: clock.sleep,
    },
    hooks: hooksOf(loaded, {}, disk),
    runs: {
      ...(await runsOf({
        config: loaded,
        root,
        directory: `${STATE}/runs`,
        disk,
        clock,
        secrets,
        self: [],
        systemctl,
      })),
      start: async () => await refuse('a process'),
    },
    systemctl,
    unitManager: async () => await refuse('systemd'),
    openKubernetes: () => ({ ask: async () => await refuse('Kubernetes'), close: () => undefined }),
    deployedOs: async () => await refuse('OSTree'),
    podman: '/usr/bin/podman',
    unitSettings: async () =>
      await Promise.resolve({ text: '', commandLines: [], environment: '', environmentFiles: [] }),
    presented: async () => await refuse('a port'),
    heldConnections: async () => await Promise.resolve(0),
    seeCloud: async () => await refuse('the cloud'),
    askPeer: async () => await Promise.resolve(undefined),
    askHealth: async () => await refuse('a port'),
    journalOf: async () => await Promise.resolve([]),
    skewMs: () => undefined,
    progress: (event) => progress.push(event),
    ...spec.over,
  };
  return { ...temp, hands, clock, log, progress, units: table, reopen };
}

const refuseNow = (whom: string): never => {
  throw new AgentError('cloud-refused', `${whom} is not there in this test`);
};

const refuse = async (whom: string): Promise<never> => {
  await Promise.resolve();
  return refuseNow(whom);
};

/** Every restart gives a unit another process. */
let processes = 0;

const systemctlOf = (table: UnitTable): Systemctl => {
  const show = (unit: string): UnitState => table.states.get(unit) ?? NOT_FOUND;
  return {
    show: async (unit) => await Promise.resolve(show(unit)),
    settings: async () => await refuse('systemd'),
    resetFailed: async () => await Promise.resolve(),
    restart: async (unit) => {
      await Promise.resolve();
      if (show(unit).load === 'not-found') throw new AgentError('unit', `Unit ${unit} not found.`);
      table.restarts.push(unit);
      processes += 1;
      const process = `${processes}`;
      table.states.set(
        unit,
        table.broken.has(unit)
          ? FAILED
          : { ...RUNNING, invocation: process, mainPid: process, startedAt: process },
      );
    },
    stop: async (unit) => {
      await Promise.resolve();
      table.stops.push(unit);
      table.states.set(unit, { ...show(unit), active: 'inactive', sub: 'dead', mainPid: '0' });
    },
    isGoingDown: async () => await Promise.resolve(table.goesDown),
  };
};
