import { EXIT } from './exit-code.ts';
import { describeFault, type Fault } from '../inspection/fault.ts';
import { type Holding, takeInventory } from '../inspection/inventory.ts';
import { watchSignals } from '../lifecycle.ts';
import { describeNode, readNode } from '../node.ts';
import { isBesideFiles } from '../inspection/differences.ts';
import { rotationState } from '../inspection/rotation-state.ts';
import {
  askPorts,
  authoritiesIn,
  type Copy,
  type Details,
  detailsOf,
  findCertificates,
  type Served,
} from '../inspection/certificates.ts';
import { createTerminal, minute, short } from './terminal.ts';
import { compareNow } from './compare.ts';
import { writeJson } from './json-answer.ts';
import { openHands, type Verb } from './verb.ts';

/** One certificate of a file of the layout, or the file alone if it contains none. */
type Row = {
  file: string;
  kind: Holding['kind'];
  faults: Fault[];
  details: Details | undefined;
  served: Served | undefined;
};

/**
 * Lists every certificate of this node: those of the layout with their faults, those in kubeconfigs, and those beside
 * its own files. Also shows the differences from the node's desired state. The exit code is 1 for a fault of the
 * layout's certificates or a critical difference. It is also 1 if a port presents another certificate than its file
 * contains.
 */
export const verb: Verb = async (context, options) => {
  const { stopping } = watchSignals();
  const hands = await openHands(context, () => undefined);
  try {
    const node = await readNode(hands);
    const { chosen, role } = node;
    const now = hands.clock.now();
    const holdings = await takeInventory(hands.disk, node.layout, now);
    const authorities = authoritiesIn(holdings);
    const served = await askPorts(node, hands, holdings, stopping);
    const rows = holdings.flatMap((holding): Row[] => {
      const { file, kind, faults } = holding;
      const [details, ...others] = holding.certificates.map((one) => detailsOf(one, authorities, now));
      return [
        { file, kind, faults, details, served: served.get(file) },
        // A CA that is trusted besides the first one.
        ...others.map((ca) => ({ file, kind, faults: [], details: ca, served: undefined })),
      ];
    });
    const { copies, unreadable } = await findCertificates(node, hands, authorities);
    const rotation = await rotationState(hands);
    const differences = (await compareNow(node, served, hands, stopping)) ?? [];
    const isFaulty = holdings.some(({ faults }) => faults.length > 0);
    const isOld = [...served.values()].some(({ presents }) => presents === false);
    const isWrong = isFaulty || isOld || differences.some(({ severity }) => severity === 'critical');
    if (context.json) {
      const certificates = rows.map(({ details, ...row }) => ({ ...row, ...details }));
      writeJson(context, 'certs', {
        layout: chosen.layout.name,
        role,
        rotation,
        differences,
        certificates,
        copies,
        unreadable,
      });
    } else {
      const { line, paint, table } = createTerminal(context.world.stdout, context.secrets, {
        wide: options['wide'] === true,
      });
      line(describeNode({ chosen, role }));
      await table({ ...COLUMNS, served: 4, state: 0 }, rows.map(ownRow));
      if (copies.length > 0) {
        line('elsewhere:');
        await table({ ...COLUMNS, key: 1 }, copies.map(copyRow));
      }
      for (const { severity, text } of differences.filter(isBesideFiles))
        line(`${severity === 'critical' ? paint('red', '✗') : paint('yellow', '!')} ${text}`);
      for (const { message } of rotation.notes) line(`${paint('yellow', '!')} ${message}`);
      for (const { message } of unreadable) line(`${paint('yellow', '!')} ${message}`);
      if (isWrong) line('next: agent doctor');
    }
    return isWrong ? EXIT.deploymentFailed : EXIT.done;
  } finally {
    hands.close();
  }
};

const COLUMNS = {
  file: 0,
  subject: 3,
  names: 5,
  issuer: 6,
  serial: 7,
  fingerprint: 8,
  usages: 9,
  'key type': 10,
  'valid until': 2,
  days: 1,
};

const ownRow = ({ file, details, served, faults }: Row): string[] => [
  file,
  ...cellsOf(details),
  served === undefined ? '-' : servedIn(served),
  faults.map(describeFault).join('; ') || (details && ENDING[details.expiry]) || 'good',
];

/** Words for the expiry of a certificate without a fault. */
const ENDING: Readonly<Partial<Record<Details['expiry'], string>>> = {
  warning: 'ends soon',
  urgent: 'ends within a week',
};

const copyRow = ({ file, entry, keyFits, ...details }: Copy): string[] => [
  entry === null ? file : `${file}, ${entry}`,
  ...cellsOf(details),
  keyFits === null ? '-' : keyFits ? 'fits' : 'does not fit',
];

const cellsOf = (details: Details | undefined): string[] => [
  details?.subject ?? '-',
  namesIn(details?.names ?? []),
  details?.issuer ?? (details ? 'unknown' : '-'),
  details?.serial ?? '-',
  short(details?.fingerprint),
  details?.usages.join(' ') || '-',
  details?.keyType ?? '-',
  minute(details?.notAfter),
  details ? String(details.daysLeft) : '-',
];

/** Joins the names; a table has space for two. */
const namesIn = (names: readonly string[]): string => {
  const [first, second, ...more] = names.map((name) => name.replace(/^(DNS|IP Address):/, ''));
  const shown = [first, second, more.length > 0 ? `+${more.length}` : undefined];
  return shown.filter((part) => part !== undefined).join(' ') || '-';
};

const servedIn = ({ unit, presents }: Served): string =>
  presents === null ? `no answer from ${unit}` : presents ? `by ${unit}` : `${unit} presents another one`;
