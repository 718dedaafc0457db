import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import { withFormerNames } from '../base/record.ts';
import type { CertificateRow, RoleLayout, UnitRow } from '../certificates/layout.ts';
import { hostPort } from '../base/address.ts';
import type { Listening } from './components.ts';

/** Paths of a client certificate and its key. */
export const Identity = v.object({ certificate: v.string(), key: v.string() });

const Shape = v.object({
  name: v.string(),
  required: v.boolean(),
  /** Time limit until it is active and healthy and serves the certificate. */
  deadlineMs: v.number(),
  /** How long a unit without a port must run to count as started: its program may end a moment after its start. */
  settleMs: v.number(),
  /** The TLS port, and the certificate file whose content it must serve. */
  probe: v.optional(v.object({ host: v.string(), port: v.number(), file: v.string() })),
  /** Its health endpoint, and the client certificate to use. */
  health: v.optional(
    v.object({
      url: v.string(),
      identity: v.optional(Identity),
    }),
  ),
  /** The kubeconfig with which it calls the Kubernetes API, which must accept it. */
  kubeconfig: v.optional(v.string()),
  /**
   * The new files do not contain another client certificate of the unit. If another node's API server rejects that
   * certificate, this does not count against the files.
   */
  keepsIdentity: v.optional(v.literal(true)),
  /** Later units that are stopped before its restart (see layout.ts). */
  stopFirst: v.optional(v.array(v.string())),
  /** Its restart ends connections of clients that the former CA admitted; their number is reported. */
  countsHeld: v.optional(v.literal(true)),
  /** The lease that its leader renews. */
  lease: v.optional(v.object({ namespace: v.string(), name: v.string() })),
});
/** A unit to restart and how to prove it; stored in the journal. */
export const UnitPlan = withFormerNames(Shape, { unit: 'name' });
export type UnitPlan = v.InferOutput<typeof UnitPlan>;

/** The settings of a layout's unit that an operator can override. */
export type UnitOverride = {
  host?: string | undefined;
  port?: number | undefined;
  deadline_seconds?: number | undefined;
  settle_seconds?: number | undefined;
  /** false: restart it, but check neither its port nor the Kubernetes API. */
  prove?: boolean | undefined;
  /** Another address; false: do not check. */
  health?: string | false | undefined;
};

/**
 * Returns the units of a role with this node's addresses, in the order of their restart. The operator's setting
 * overrides the unit's own settings, which override the row of the layout.
 *
 * @param asked the units' own settings, by name
 */
export function planUnits(
  role: RoleLayout,
  fill: (text: string) => string,
  overrides: Readonly<Record<string, UnitOverride>>,
  times: { deadline_seconds: number; settle_seconds: number },
  asked: ReadonlyMap<string, Listening> = new Map(),
): UnitPlan[] {
  return role.units.map((row) => {
    const override = overrides[row.unit] ?? {};
    const listening = asked.get(row.unit) ?? {};
    const probe = override.prove === false ? undefined : probeOf(row, role, fill, listening, override);
    const health = override.health === false ? undefined : healthOf(row, role, fill, listening, override);
    return {
      name: row.unit,
      required: row.required,
      deadlineMs: (override.deadline_seconds ?? row.deadlineSeconds ?? times.deadline_seconds) * 1000,
      settleMs: (override.settle_seconds ?? times.settle_seconds) * 1000,
      ...(probe ? { probe } : {}),
      ...(health ? { health } : {}),
      ...(row.stopFirst ? { stopFirst: [...row.stopFirst] } : {}),
      ...(override.prove === false ? {} : clientOf(listening)),
    };
  });
}

/**
 * Returns the fault of a unit's addresses; undefined if they are usable. Must be called before the first file is
 * replaced: afterwards even the roll-back needs these addresses.
 */
export function addressFault({ name, probe, health }: UnitPlan): string | undefined {
  if (probe && !(Number.isInteger(probe.port) && probe.port > 0 && probe.port < 65_536))
    return `cannot check the certificate of the unit ${name}: its port is not a number from 1 to 65535`;
  return health && !URL.canParse(health.url)
    ? `cannot check the health of the unit ${name}: ${health.url} is not a URL`
    : undefined;
}

const clientOf = ({ kubeconfig, lease }: Listening): Pick<UnitPlan, 'kubeconfig' | 'lease'> =>
  kubeconfig === undefined || kubeconfig === '' ? {} : { kubeconfig, ...(lease && { lease }) };

function probeOf(
  { probe: row }: UnitRow,
  role: RoleLayout,
  fill: (text: string) => string,
  { tls, certificate }: Listening,
  override: UnitOverride,
): UnitPlan['probe'] {
  const { host, port } = override;
  if (tls === 'none' && port === undefined) return undefined;
  const said = typeof tls === 'object' ? tls : undefined;
  // A component that uses a certificate of this layout serves it, whatever its row says.
  const own = role.certificates.find(({ files }) => files && files.certificate.path === certificate);
  const presents = own?.name ?? row?.presents;
  const at = said ?? (row && { host: fill(row.host), port: Number(fill(row.port)) });
  if (presents === undefined || !at) return undefined;
  return {
    // Removes a URL's brackets: a socket takes an IPv6 address without them.
    host: (host ?? at.host).replace(/^\[(.*)\]$/, '$1'),
    port: port ?? at.port,
    file: row && certificate ? certificate : filesOf(role, presents).certificate.path,
  };
}

function healthOf(
  { health: row }: UnitRow,
  role: RoleLayout,
  fill: (text: string) => string,
  { health: said }: Listening,
  override: UnitOverride,
): UnitPlan['health'] {
  if (!row) return undefined;
  if (said === 'none' && override.health === undefined) return undefined;
  const asked =
    typeof said === 'object' && URL.canParse(fill(row.url))
      ? `${said.isTls ? 'https' : 'http'}://${hostPort(said.host, said.port)}${new URL(fill(row.url)).pathname}`
      : fill(row.url);
  const url = typeof override.health === 'string' ? override.health : asked;
  if (row.as === undefined) return { url };
  const { certificate, key } = filesOf(role, row.as);
  return { url, identity: { certificate: certificate.path, key: key.path } };
}

function filesOf(role: RoleLayout, name: string): NonNullable<CertificateRow['files']> {
  const files = role.certificates.find((candidate) => candidate.name === name)?.files;
  if (!files) throw new AgentError('config', `the layout has no file of a certificate ${name}`);
  return files;
}
