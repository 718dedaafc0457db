import { explain } from '../../src/base/errors.ts';
import { canonicalName, fingerprint, namesOf, subjectOf } from '../../src/certificates/read.ts';
import type { CaType, RoleLayout } from '../../src/certificates/layout.ts';
import { renewalMoment } from '../../src/certificates/renewal-window.ts';
import { canonicalCa } from '../../src/certificates/trusted.ts';
import type { Served } from './certificates.ts';
import type { MissingKeys } from '../rotation/missing-keys.ts';
import { isClockOff } from '../rotation/renewal.ts';
import { type Fault, sentenceOn } from './fault.ts';
import type { Holding } from './inventory.ts';
import type { Leaf } from './leaves.ts';

/** The severity of a difference. `critical` breaks the node now or soon, and the agent does not repair it by itself. */
export type Severity = 'critical' | 'warning' | 'info';

/** Every difference from the desired state, besides the faults of a file. */
const OWN = {
  /** The node's clock disagrees with the cloud's, so dates cannot be judged. */
  'clock-off': 'critical',
  /** A CA file does not contain the CA that Magnum serves: the node missed a rotation. */
  'authority-differs': 'critical',
  'authority-ends-soon': 'warning',
  'authority-ends': 'critical',
  /** A certificate is signed by a CA of the node that Magnum no longer serves. */
  'former-signer': 'warning',
  'renewal-due': 'info',
  'subject-differs': 'warning',
  'names-differ': 'warning',
  /** A unit presents another certificate than the one in its file. */
  'presents-another': 'critical',
  /** Keystone rejects the node's own login. */
  'login-refused': 'critical',
  /** A service-account key file is missing, and can be recreated. */
  'service-account-missing': 'critical',
  /** A service-account key file is missing, and no source is known to have the key. */
  'service-account-lost': 'critical',
} as const satisfies Record<string, Severity>;

export type OwnCode = keyof typeof OWN;
export type DifferenceCode = OwnCode | Fault['code'];

/** Whether a table of files has no column for this difference. */
export const isBesideFiles = ({ code }: Pick<Difference, 'code'>): boolean =>
  Object.hasOwn(OWN, code) && code !== 'presents-another';

/** One difference. `of` names the file, the unit or another subject; `text` is for a person. */
export type Difference = {
  code: DifferenceCode;
  severity: Severity;
  of: string;
  text: string;
  /** When it expires, or when it is renewed; ISO 8601. */
  at?: string;
};

/** The present state of a node, and its desired state. */
export type Facts = {
  layout: RoleLayout;
  holdings: readonly Holding[];
  leaves: readonly Leaf[];
  missingKeys?: MissingKeys | undefined;
  /** The fingerprints of the CAs that Magnum served in its last answer, by their first name. */
  served: Readonly<Partial<Record<CaType, string | undefined>>>;
  /** The certificates that ports present, by file. Ports that do not answer are left out. */
  presented: ReadonlyMap<string, Served>;
  /** Milliseconds since the epoch. */
  now: number;
  /** How far this node's clock is ahead of the cloud's, in milliseconds; undefined: unknown. */
  skewMs: number | undefined;
  /** This node's share of the renewal window, from upkeep/share.ts. */
  share: number;
  /** Why Keystone rejects the node's own login; undefined if it accepts it. */
  loginRefused?: string | undefined;
};

const DAY_MS = 86_400_000;

/** The remaining validity of a CA at which a warning starts; at the second limit it becomes `critical`. */
const CA_SOON_MS = 180 * DAY_MS;
const CA_ENDS_MS = 30 * DAY_MS;

/** Lists all differences from the desired state. The clock comes first: if it is wrong, no other date can be judged. */
export function differencesOf(facts: Facts): Difference[] {
  const { skewMs, loginRefused } = facts;
  const isOff = isClockOff(skewMs);
  return [
    ...(isOff ? [difference('clock-off', 'clock', clockText(skewMs ?? 0))] : []),
    ...(loginRefused === undefined ? [] : [difference('login-refused', 'trust', loginRefused)]),
    ...ofAuthorities(facts),
    ...ofMissingKeys(facts),
    ...facts.holdings.flatMap(({ file, faults }) =>
      faults.filter(({ code }) => !isOff || !OF_DATES.has(code)).map((fault) => ofFault(file, fault)),
    ),
    ...facts.leaves.flatMap((leaf) => ofLeaf(leaf, facts, isOff)),
    ...ofPorts(facts),
  ];
}

const difference = (code: OwnCode, of: string, text: string, at?: number): Difference => ({
  code,
  severity: OWN[code],
  of,
  text,
  ...(at !== undefined && { at: new Date(at).toISOString() }),
});

const OF_DATES: ReadonlySet<string> = new Set<Fault['code']>(['expired', 'not-yet-valid']);

const ofFault = (of: string, fault: Fault): Difference => ({
  code: fault.code,
  severity: fault.code === 'differs' || fault.code === 'repeated' ? 'warning' : 'critical',
  of,
  text: sentenceOn(of, [fault]),
});

const clockText = (skewMs: number): string =>
  `this node's clock is ${Math.abs(skewMs / 1000).toFixed(0)} s ${skewMs < 0 ? 'behind' : 'ahead of'} the cloud's: no certificate is renewed`;

function ofAuthorities({ layout, holdings, served, now, skewMs }: Facts): Difference[] {
  return layout.authorities.flatMap(({ ca, file: { path }, single }) => {
    const held = holdings.find(({ file }) => file === path)?.certificates ?? [];
    const wanted = served[canonicalCa(ca)];
    const differs =
      wanted !== undefined && held.length > 0 && !held.some((one) => fingerprint(one) === wanted);
    const [first] = held;
    const end = first?.validToDate.getTime();
    const isEnding = end !== undefined && end > now && end - now <= CA_SOON_MS && !isClockOff(skewMs);
    return [
      ...(differs && single !== true
        ? [
            difference(
              'authority-differs',
              path,
              `${path} does not hold the ${ca} CA that Magnum serves: no certificate is renewed until the next rotation`,
            ),
          ]
        : []),
      ...(isEnding
        ? [
            difference(
              end - now <= CA_ENDS_MS ? 'authority-ends' : 'authority-ends-soon',
              path,
              `the ${ca} CA in ${path} ends in ${Math.floor((end - now) / DAY_MS)} days: rotate the cluster's CA`,
              end,
            ),
          ]
        : []),
    ];
  });
}

function ofMissingKeys({ missingKeys: missing }: Facts): Difference[] {
  if (!missing) return [];
  return missing.paths.map((path) =>
    'pair' in missing
      ? difference('service-account-missing', path, `${path} is missing, and can be recreated`)
      : difference('service-account-lost', path, `${path} is missing: ${explain(missing.error)}`),
  );
}

function ofLeaf(
  { file, certificate, request, authority }: Leaf,
  { served, now, share }: Facts,
  isOff: boolean,
): Difference[] {
  const found: Difference[] = [];
  const wanted = served[canonicalCa(request.ca)];
  if (authority && wanted !== undefined && fingerprint(authority) !== wanted)
    found.push(difference('former-signer', file, `${file} is signed by a CA that Magnum no longer serves`));
  const subject = request.subject.map((pair) => pair.join('=')).join(', ');
  if (subjectOf(certificate) !== subject)
    found.push(
      difference('subject-differs', file, `${file} is for ${subjectOf(certificate)}, not ${subject}`),
    );
  const names = new Set(request.names.map(canonicalName));
  const there = new Set(namesOf(certificate));
  const missing = [...names.difference(there)];
  const extra = [...there.difference(names)];
  if (missing.length + extra.length > 0)
    found.push(
      difference(
        'names-differ',
        file,
        `${file} ${[...(missing.length > 0 ? [`lacks ${missing.join(', ')}`] : []), ...(extra.length > 0 ? [`also names ${extra.join(', ')}`] : [])].join(' and ')}`,
      ),
    );
  const moment = renewalMoment(certificate, share);
  const end = certificate.validToDate.getTime();
  if (!isOff && now >= moment && now <= end)
    found.push(
      difference(
        'renewal-due',
        file,
        `${file} ends on ${certificate.validToDate.toISOString().slice(0, 10)}`,
        end,
      ),
    );
  return found;
}

const ofPorts = ({ presented }: Facts): Difference[] =>
  [...presented].flatMap(([file, { unit, where, presents }]) =>
    presents === false
      ? [
          difference(
            'presents-another',
            unit,
            `${unit} does not present the certificate in ${file} on ${where}`,
          ),
        ]
      : [],
  );
