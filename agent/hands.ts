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

/** All effects of a pass. compose.ts builds the real ones; tests build their own or replace some of these. */
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
  /** Notifications of new metadata. The node polls in addition. */
  listen: Listen | undefined;
  /** Returns an address of this server as the cloud knows it; undefined if it has none. */
  addressOf(name: AddressName, abort: AbortSignal): Promise<string | undefined>;
  ledger: Ledger;
  generations: Generations;
  keptGenerations: KeptGenerations;
  keptRequests: KeptRequests;
  /** Opens the cluster in Magnum with the node's trust, or with a token from a deployment. */
  openCluster(
    params: HeatParams,
    token: string | undefined,
    abort: AbortSignal,
    /** `patient: false`: a person is waiting, so the first refusal is final. */
    options?: { patient: boolean },
  ): Promise<Cluster>;
  signals: SignalHands;
  hooks: {
    /** Returns the program that serves a group; undefined if the node has none. @throws `precondition`: not trusted */
    find(name: string): Promise<string | undefined>;
    settings: RunSettings;
  };
  runs: RunHands;
  systemctl(): Promise<Systemctl>;
  unitManager(): Promise<UnitManager>;
  openKubernetes(at: KubernetesAddress): { ask: AskApi; close(): void };
  /** Returns the booted deployment of an OSTree host. */
  deployedOs(abort: AbortSignal): Promise<DeployedOs>;
  /** The path of podman(1) on this node. */
  podman: string;
  unitSettings(unit: string, abort: AbortSignal): Promise<UnitSettings>;
  presented(host: string, port: number, abort: AbortSignal): Promise<X509Certificate>;
  /** Counts the open connections of clients to a port of this node. */
  heldConnections(port: number): Promise<number>;
  /** Returns the certificate that a port of another node presents, and whether it accepts a client certificate. */
  askPeer(port: PeerPort, identity: ClientIdentity, abort: AbortSignal): Promise<Handshake | undefined>;
  /** Makes one call of etcd's v3 API. */
  callEtcd: CallEtcd;
  /**
   * Connects to a cloud service over TLS with only these CAs. Any HTTP status is a success.
   *
   * @throws if the service is not trusted
   */
  seeCloud(url: string, ca: string, abort: AbortSignal): Promise<void>;
  askHealth(url: string, identity: ClientIdentity | undefined, abort: AbortSignal): Promise<void>;
  /** Returns the last lines of a unit's journal, oldest first; empty if there is no journal. */
  journalOf(unit: string, lines: number): Promise<string[]>;
  /** Returns how far this node's clock is ahead of the cloud's, in milliseconds; undefined before any answer. */
  skewMs(): number | undefined;
  /** `--without-turn`: a person restarts the units of this master now, without waiting for other masters. */
  withoutTurn?: boolean;
  /** Shows progress to a person who is watching. */
  progress(event: Progress): void;
};

/** `loginUid`: the user who logged in, also through sudo; undefined for a service. */
export type Asker = { verb: string; pid: number; loginUid: number | undefined };

export type Cluster = {
  /** Returns the names of the roles that the node's trust delegates. */
  roles(): Promise<readonly string[]>;
  /** Returns the name of the node's user and the id of its domain; undefined if Keystone does not return them. */
  user(): Promise<{ name: string; domain: string } | undefined>;
  /** @throws `cloud-refused` when the service catalogue of the node's login has no Magnum in its region */
  seeRegion(): Promise<void>;
  readCa: IssueHands['readCa'];
  sign: IssueHands['sign'];
};
