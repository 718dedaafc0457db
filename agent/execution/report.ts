import { hostPort } from '../../src/base/address.ts';
import type { Material } from '../../src/certificates/issue.ts';
import { fingerprint, oneCertificate } from '../../src/certificates/read.ts';
import type { Outcome } from '../../src/deployment/deployment.ts';
import { succeeded } from '../../src/deployment/outcome.ts';
import type { Change } from '../../src/files/credential-file.ts';
import type { UnitPlan } from '../../src/services/unit.ts';
import { nameLogin, type Node } from '../node.ts';
import type { StepOf } from '../plan/step.ts';

/** Builds the report of a proven rotation. */
export function success(
  step: Pick<StepOf<'stage'>, 'certificates' | 'keys'>,
  changed: readonly string[],
  material: Material | undefined,
  node: Node,
  units: readonly UnitPlan[],
  notices: readonly string[],
): Outcome {
  const { said, outputs } = told(step, material, node);
  const lines = [
    `${said}, ${changed.length} files replaced`,
    ...changed.map((path) => `  ${path}`),
    ...units.map(seen),
    ...notices,
  ];
  return succeeded(`${lines.join('\n')}\n`, outputs);
}

/** Builds the report of a change of credentials. */
export function credentialsChanged(
  { fresh: { user, trust } }: Change,
  changed: readonly string[],
  units: readonly UnitPlan[],
  notices: readonly string[],
): Outcome {
  const lines = [
    `the node logs in as ${nameLogin(user, trust || undefined)}, ${changed.length} files replaced`,
    ...changed.map((path) => `  ${path}`),
    ...units.map(seen),
    ...notices,
  ];
  return succeeded(`${lines.join('\n')}\n`, { files: changed });
}

/** Builds the report of a plan that only restarts units. */
export const restarted = (units: readonly UnitPlan[]): Outcome =>
  succeeded(['restarted', ...units.map((unit) => `  ${seen(unit)}`), ''].join('\n'), {
    restarted: units.map(({ name: unit, probe }) => ({
      unit,
      presents: probe?.file ?? null,
      on: probe ? hostPort(probe.host, probe.port) : null,
    })),
  });

const seen = ({ name, probe }: UnitPlan): string =>
  probe ? `${name} presents ${probe.file} on ${hostPort(probe.host, probe.port)}` : `${name} is active`;

/** Builds the report of a rotation that replaced and restarted nothing. */
export const unchanged = ({ certificates, keys }: Parameters<typeof success>[0]): Outcome =>
  nothingToDo(
    certificates === 'trust'
      ? 'the node already trusts the CA that Magnum serves: nothing to do'
      : certificates === 'retire'
        ? "the node trusts only Magnum's CA: nothing to do"
        : keys === 'grace'
          ? 'no old service-account key is accepted'
          : 'the files are already as they should be: nothing to do',
  );

export const nothingToDo = (why: string): Outcome => succeeded(`${why}\n`);

type Told = { said: string; outputs: Outcome['outputs'] };

function told(
  { certificates: phase, keys }: Parameters<typeof success>[0],
  material: Material | undefined,
  node: Node,
): Told {
  if (!material || phase === undefined)
    return {
      said:
        keys === 'grace'
          ? 'the grace of old service-account keys is over: they are no longer accepted'
          : keys === 'first'
            ? 'the service-account keys of heat-params are installed'
            : keys === 'trust'
              ? 'the service-account key of the deployment is accepted'
              : 'the service-account keys of the deployment are installed',
      outputs: {},
    };
  const [first] = node.layout.authorities;
  const ca = fingerprint(oneCertificate((first && material.authorities.get(first.ca)) ?? '', 'the new CA'));
  if (phase === 'trust')
    return { said: `the CA ${ca} is trusted beside the old one`, outputs: { fingerprint: ca } };
  if (phase === 'retire')
    return { said: `only the CA ${ca} is trusted; the old one is removed`, outputs: { fingerprint: ca } };
  const certificates = [...material.certificates].map(([name, { certificate }]) => [
    name,
    fingerprint(oneCertificate(certificate, name)),
  ]);
  return {
    said: `${certificates.length} ${certificates.length === 1 ? 'certificate' : 'certificates'} from the CA ${ca}`,
    outputs: { fingerprint: ca, certificates: Object.fromEntries(certificates) },
  };
}
