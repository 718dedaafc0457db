import * as v from 'valibot';
import { AgentError } from '../base/errors.ts';
import type { RoleLayout } from '../certificates/layout.ts';

/** One unit to be restarted and how it is proven, ready to be carried out; it is kept in the journal. */
export const UnitPlan = v.object({
  unit: v.string(),
  required: v.boolean(),
  /** How long it may take to become active and to present the certificate. */
  deadlineMs: v.number(),
  /** The TLS port and the certificate file whose content it must present. */
  probe: v.optional(v.object({ host: v.string(), port: v.number(), file: v.string() })),
});
export type UnitPlan = v.InferOutput<typeof UnitPlan>;

/** What an operator may change about a unit of a layout. */
export type UnitOverride = {
  host?: string | undefined;
  port?: number | undefined;
  deadline_seconds?: number | undefined;
  /** false: restart it, but do not ask its port. */
  prove?: boolean | undefined;
};

/** The units of a role with this node's addresses in them, in the order of their restart. */
export function planUnits(
  role: RoleLayout,
  fill: (text: string) => string,
  overrides: Readonly<Record<string, UnitOverride>>,
  deadlineMs: number,
): UnitPlan[] {
  return role.units.map(({ unit, required, probe }) => {
    const override = overrides[unit] ?? {};
    const seconds = override.deadline_seconds;
    const plan = { unit, required, deadlineMs: seconds === undefined ? deadlineMs : seconds * 1000 };
    if (!probe || override.prove === false) return plan;
    const host = override.host ?? fill(probe.host);
    const port = override.port ?? Number(fill(probe.port));
    const certificate = role.certificates.find(({ name }) => name === probe.presents);
    if (!certificate) throw new AgentError('config', `the layout has no certificate ${probe.presents}`);
    return { ...plan, probe: { host, port, file: certificate.certificateFile.path } };
  });
}
