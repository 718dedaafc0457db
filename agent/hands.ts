import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../src/base/clock.ts';
import type { Disk } from '../src/base/disk.ts';
import type { Log } from './events.ts';
import type { Retry } from '../src/base/retry.ts';
import type { Secrets } from '../src/base/secrets.ts';
import type { IssueHands } from '../src/certificates/issue.ts';
import type { Ledger } from '../src/deployment/ledger.ts';
import type { Generations } from '../src/files/generation.ts';
import type { KeptGenerations } from '../src/files/kept.ts';
import type { KeptRequests } from '../src/files/kept-requests.ts';
import type { RunSettings } from '../src/hooks/prepare.ts';
import type { RunHands } from '../src/hooks/run.ts';
import type { AddressName } from '../src/metadata/address.ts';
import type { Collector } from '../src/metadata/collector.ts';
import type { Listen } from '../src/metadata/listen.ts';
import type { HeatParams } from '../src/metadata/heat-params.ts';
import type { CallEtcd } from '../src/services/etcd-call.ts';
import type { Handshake, PeerPort } from '../src/services/peer-port.ts';
import type { DeployedOs } from '../src/services/deployed-os.ts';
import type { ClientIdentity } from '../src/services/health.ts';
import type { Systemctl } from '../src/services/systemctl.ts';
import type { UnitSettings } from '../src/services/unit-settings.ts';
import type { UnitManager } from '../src/services/unit-manager.ts';
import type { SignalHands } from '../src/signal/send.ts';
import type { AskApi } from '../src/services/kubernetes-call.ts';
import type { KubernetesAddress } from '../src/services/kubernetes.ts';
import type { PollingOverride } from './polling/polling-override.ts';
import type { Config } from './config.ts';
import type { Progress } from './progress.ts';

/**
 * Everything through which a pass touches the world. compose.ts builds the real ones; a test builds its own
 * or changes some of these.
 */
export type Hands = {
  config: Config;
  clock: Clock;
  log: Log;
  secrets: Secrets;
  disk: Disk;
  retry: Retry;
  hostname: string;
  /** The user who runs this process, for the audit. */
  asker: Asker;
  collectors: readonly Collector[];
  pollingOverride: PollingOverride;
  /** Notifications of new metadata; the node polls all the same. */
  listen: Listen | undefined;
  /** An address of this server as the cloud knows it; undefined when it has none. */
  addressOf(name: AddressName, abort: AbortSignal): Promise<string | undefined>;
  ledger: Ledger;
  generations: Generations;
  keptGenerations: KeptGenerations;
  keptRequests: KeptRequests;
  /** The cluster's door in Magnum, opened with the node's trust or with a token that a deployment brought. */
  openCluster(
    params: HeatParams,
    token: string | undefined,
    abort: AbortSignal,
    /** `patient: false`: a person waits, so the first refusal is the answer. */
    options?: { patient: boolean },
  ): Promise<Cluster>;
  signals: SignalHands;
  hooks: {
    /** The program that serves a group; undefined when the node has none. @throws `precondition`: not trusted */
    find(name: string): Promise<string | undefined>;
    settings: RunSettings;
  };
  runs: RunHands;
  systemctl(): Promise<Systemctl>;
  unitManager(): Promise<UnitManager>;
  openKubernetes(at: KubernetesAddress): { ask: AskApi; close(): void };
  /** The booted deployment of an OSTree host. */
  deployedOs(abort: AbortSignal): Promise<DeployedOs>;
  /** The podman(1) of this node. */
  podman: string;
  unitSettings(unit: string, abort: AbortSignal): Promise<UnitSettings>;
  presented(host: string, port: number, abort: AbortSignal): Promise<X509Certificate>;
  /** What a port of another node presents, and whether it accepts a client certificate. */
  askPeer(port: PeerPort, identity: ClientIdentity, abort: AbortSignal): Promise<Handshake | undefined>;
  /** One call of etcd's v3 API. */
  callEtcd: CallEtcd;
  /** Asks a service of the cloud over TLS with these CAs alone; any status is an answer. @throws if it is not trusted */
  seeCloud(url: string, ca: string, abort: AbortSignal): Promise<void>;
  askHealth(url: string, identity: ClientIdentity | undefined, abort: AbortSignal): Promise<void>;
  /** The last lines of a unit's journal, oldest first; none where there is no journal. */
  journalOf(unit: string, lines: number): Promise<string[]>;
  /** How far this node's clock is ahead of the cloud's, in milliseconds; undefined before any answer. */
  skewMs(): number | undefined;
  /** `--without-turn`: a person restarts the units of this master now, whatever the other masters do. */
  withoutTurn?: boolean;
  /** Shows progress to a watching person. */
  progress(event: Progress): void;
};

/** `loginUid`: who has logged in, also through sudo; undefined for a service. */
export type Asker = { verb: string; pid: number; loginUid: number | undefined };

export type Cluster = {
  /** The names of the roles that the node's trust delegates. */
  roles(): Promise<readonly string[]>;
  /** The node's user, by its name and the id of its domain; undefined where Keystone does not tell. */
  user(): Promise<{ name: string; domain: string } | undefined>;
  /** @throws `cloud-refused` when the catalogue of the node's own login has nothing of Magnum in its region */
  seeRegion(): Promise<void>;
  readCa: IssueHands['readCa'];
  sign: IssueHands['sign'];
};
