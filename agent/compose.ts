import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../src/base/clock.ts';
import { createDisk } from '../src/base/real-disk.ts';
import { type Disk, readText } from '../src/base/disk.ts';
import { explain } from '../src/base/errors.ts';
import type { Log } from './events.ts';
import { createRetry, describeAttempt } from '../src/base/retry.ts';
import type { Secrets } from '../src/base/secrets.ts';
import { openLedger } from '../src/deployment/ledger.ts';
import { createGenerations } from '../src/files/generation.ts';
import { createKeptGenerations } from '../src/files/kept.ts';
import { createKeptRequests } from '../src/files/kept-requests.ts';
import { readOwners } from '../src/files/owners.ts';
import { readAddress } from '../src/metadata/address.ts';
import { driveReader, readByLabel } from '../src/metadata/config-drive.ts';
import type { HeatParams } from '../src/metadata/heat-params.ts';
import { type Cfn, createCfn } from '../src/openstack/cfn.ts';
import { createHeat, type Heat } from '../src/openstack/heat.ts';
import { createHttp, type Http } from '../src/openstack/http.ts';
import { createKeystone, type Keystone } from '../src/openstack/keystone.ts';
import type { Login } from '../src/openstack/login.ts';
import { metadataService } from '../src/openstack/metadata-service.ts';
import { createTempUrl } from '../src/openstack/temp-url.ts';
import { createZaqar } from '../src/openstack/zaqar.ts';
import type { Systemctl } from '../src/services/systemctl.ts';
import { openPollingOverride } from './polling/polling-override.ts';
import { collectorOf, type Readers } from './compose/collectors.ts';
import { listenTo, openQueue, queueUserOf } from './compose/queue.ts';
import { createRetryLog } from './compose/retry-log.ts';
import { openSignals } from './compose/signals.ts';
import { openClusterWith } from './compose/cluster.ts';
import { portsAsked } from './compose/ports.ts';
import { seeCloudWith } from './compose/see-cloud.ts';
import { programsOf } from './compose/programs.ts';
import { openKubernetesWith } from './compose/kubernetes.ts';
import { DRIVE_COPY, GENERATION, KEPT, LEDGER, RUNS, STATE } from './paths.ts';
import type { Config } from './config.ts';
import { createWaitingRecord } from './waiting.ts';
import { connectionOf } from './compose/connection.ts';
import { createSkew } from './compose/skew.ts';
import type { Asker, Hands } from './hands.ts';
import type { Progress } from './progress.ts';
import { readParamsIfThere } from './node.ts';
import { CONTAINED } from '../src/services/predecessors.ts';
import { hooksOf, runsOf } from './compose/runs.ts';

const NEARBY_MS = 5000;
const NO_PROXY = { http: undefined, https: undefined, no: undefined };

export type Composition = {
  config: Config;
  /** Prefix of every path of the node. */
  root: string;
  env: NodeJS.ProcessEnv;
  log: Log;
  secrets: Secrets;
  progress: (event: Progress) => void;
  asker?: Asker;
  /** The command that starts this program: see ProcessIo. */
  self?: readonly string[] | undefined;
  instrument?: Instrument | undefined;
};

/** For tests: wraps a real hand to watch it, to make it fail, or to stop the program at a call. */
export type Instrument = {
  clock?: (real: Clock) => Clock;
  disk?: (real: Disk) => Disk;
  http?: (real: Http) => Http;
  systemctl?: (real: Systemctl) => Systemctl;
};

const as = <T>(real: T, wrap: ((real: T) => T) | undefined): T => (wrap ? wrap(real) : real);

/** Builds the real effects: this is the composition root, and no other place does it. */
export async function compose({
  config: configured,
  root,
  env,
  log,
  secrets,
  progress,
  asker = { verb: 'run', pid: process.pid, loginUid: undefined },
  self = [process.execPath, join(import.meta.dirname, 'main.ts')],
  instrument = {},
}: Composition): Promise<Hands & { close(): void }> {
  const clock = as(systemClock, instrument.clock);
  const disk = as(createDisk(root), instrument.disk);
  const uid = process.getuid?.() ?? 0;
  const path = join(STATE, 'polling.json');
  const { config, override: pollingOverride } = await openPollingOverride(configured, path, {
    disk,
    clock,
    log,
    secrets,
  });
  const params = await readParamsIfThere({ disk, config, secrets }).catch((error: unknown): HeatParams => {
    // A waiting deployment needs an answer, so continue as if the file were empty.
    log('heat-params-unreadable', { why: explain(error) });
    return new Map();
  });
  const skew = createSkew(clock);
  const connection = await connectionOf(config, params, env, { disk, log, secrets });
  const realHttp = createHttp({ ...connection, onDate: skew.hear });
  const http = as<Http>(realHttp, instrument.http);
  const logRetry = createRetryLog(log, clock);
  const retry = createRetry({
    clock,
    random: Math.random,
    onRetry: (attempted, error, waitMs, leftMs) => {
      logRetry(attempted, error, waitMs);
      const said = describeAttempt(attempted, error);
      progress({ event: 'waiting', ...said, retryInMs: waitMs, givesUpInMs: leftMs });
    },
    onWait: createWaitingRecord({ disk, secrets, log }),
  });
  const keystone = createKeystone({ http, clock, secrets });
  const heat = createHeat(http);
  const zaqar = createZaqar(http);
  const owners = await readOwners(disk, (kind, name) => {
    const text = `this node has no ${kind} ${name}: root owns the new files`;
    progress({ event: 'notice', code: 'account-unknown', of: name, text });
  });

  // Hosts near the server: use no proxy, and do not wait long for a host that does not exist.
  const realNearby = createHttp({
    deadlineMs: NEARBY_MS,
    ca: () => undefined,
    verify: true,
    proxy: NO_PROXY,
  });
  const readItem = metadataService(as<Http>(realNearby, instrument.http), config.ec2.metadata_url);
  const readDrive = driveReader(
    disk,
    [config.config_drive.path, DRIVE_COPY],
    // A --root directory contains only its own files.
    root === '/' ? readByLabel : async () => await Promise.resolve(undefined),
  );

  // With --root, use the systemctl of that root, never this machine's.
  const systemctlProgram = root === '/' ? 'systemctl' : join(root, '/usr/bin/systemctl');
  const systemctl = async (): Promise<Systemctl> => {
    const { createSystemctl } = await import('../src/services/systemctl.ts');
    return as(createSystemctl(systemctlProgram, env), instrument.systemctl);
  };

  return {
    config,
    clock,
    log,
    secrets,
    disk,
    retry,
    progress,
    hostname: hostname(),
    asker,
    collectors: config.collectors.map((name) =>
      collectorOf(name, config, {
        disk,
        clock,
        ...readersOf(heat, keystone, createCfn({ http, secrets })),
        openTempUrl: (url) => createTempUrl(url, { http, secrets }),
        openQueue: (from) => openQueue(queueUserOf(from), keystone, zaqar),
        readDrive,
        readItem,
      }),
    ),
    pollingOverride,
    listen:
      config.collectors.includes('zaqar') && config.zaqar?.use_websockets === true
        ? listenTo(queueUserOf(config.zaqar), keystone, connection, clock)
        : undefined,
    addressOf: async (name, abort) => await readAddress(name, readDrive, readItem, abort),
    ledger: await openLedger(
      {
        disk,
        clock,
        onDamage: (path, error) => {
          log('ledger-record-damaged', { path, why: explain(error) });
        },
      },
      LEDGER,
    ),
    generations: createGenerations(disk, GENERATION, (user, group) =>
      // Only root can change owners. With --root, everything belongs to the caller.
      uid === 0 ? owners(user, group) : { uid, gid: process.getgid?.() ?? 0 },
    ),
    keptGenerations: createKeptGenerations(disk, KEPT),
    keptRequests: createKeptRequests(disk, join(GENERATION, 'requests')),
    openCluster: openClusterWith(config, keystone, http, retry),
    openKubernetes: openKubernetesWith((real) => as<Http>(real, instrument.http), clock.now),
    signals: openSignals({ http, clock, keystone, heat, zaqar }),
    hooks: hooksOf(config, env, disk),
    runs: await runsOf({
      config,
      root,
      directory: RUNS,
      disk,
      clock,
      secrets,
      self,
      systemctl,
    }),
    systemctl,
    unitManager: async () => {
      const { createUnitManager } = await import('../src/services/unit-manager.ts');
      return createUnitManager(
        systemctlProgram,
        env,
        async (path) => await readText(disk, path),
        // With --root, no process of this machine belongs to that node.
        root === '/' ? CONTAINED : new Map(),
      );
    },
    unitSettings: async (unit, abort) => await (await systemctl()).settings(unit, abort),
    ...programsOf(root),
    ...portsAsked(),
    seeCloud: seeCloudWith(connection, (real) => as<Http>(real, instrument.http)),
    skewMs: skew.ms,
    close: () => {
      realHttp.close();
      realNearby.close();
    },
  };
}

const readersOf = (heat: Heat, keystone: Keystone, cfn: Cfn): Pick<Readers, 'readServer' | 'readField'> => ({
  readServer: async (from, abort) => {
    const login: Login = {
      authUrl: from.auth_url,
      userId: from.user_id,
      password: from.password,
      scope: { projectId: from.project_id },
      region: from.region_name,
    };
    const resource = { stackId: from.stack_id, resourceName: from.resource_name };
    return await keystone.authorized(
      login,
      abort,
      async (session) => await heat.readMetadata(session, resource, abort),
    );
  },
  readField: async (from, url, { resourceName, field }, abort) => {
    const key = { id: from.access_key_id, secret: from.secret_access_key };
    return await cfn.readField(url, { stackName: from.stack_name, resourceName, field }, key, abort);
  },
});
