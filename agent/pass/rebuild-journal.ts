import { type Disk, readIfThere } from '../../src/base/disk.ts';
import { explain } from '../../src/base/errors.ts';
import { succeeded } from '../../src/deployment/outcome.ts';
import type { Journal, JournalFile } from '../../src/files/journal.ts';
import { credentialsIn, formatOf } from '../../src/files/credential-file.ts';
import { findCandidates, type PassOver } from '../../src/files/candidates.ts';
import { ROTATE_ALL } from '../../src/operation/operation.ts';
import type { Hands } from '../hands.ts';
import { takeInventory } from '../inspection/inventory.ts';
import { type Node, readNode } from '../node.ts';
import { unitsOf } from '../plan/units.ts';
import { readCopies } from '../rotation/find-copies.ts';
import { planRotation } from '../rotation/plan.ts';
import type { RunRecord } from '../plan/run-record.ts';
import { FORMER } from '../credentials/former.ts';
import { FOLLOW_UPS, followUpSoon } from '../rotation/follow-ups.ts';
import { SERVICE_ACCOUNT } from '../rotation/service-account.ts';
import { findUnits } from '../execution/found-units.ts';

/**
 * Replaces a damaged journal. Its content is lost, so the certificates decide. Three sets are examined: the files after
 * completion, the present files, and the files after a rollback. The first set applies in which every key fits, every
 * chain is valid and every kubeconfig agrees.
 *
 * @returns the new journal, in the state from which recovery resumes
 */
export async function rebuildJournal(hands: Hands, abort: AbortSignal): Promise<Journal> {
  const { generations, disk } = hands;
  const node = await readNode(hands);
  const { stage } = planRotation(ROTATE_ALL, node, await unitsOf(node, hands, abort), hands.config);
  const { units } = await findUnits(stage.units, hands, abort);
  const { serviceAccount, signer } = node.layout;
  const passOver: PassOver = (path, error) => {
    hands.log('file-skipped', { path, why: explain(error) });
  };
  const copies = await readCopies(node.layout, disk, () => undefined);
  const paths = [
    ...stage.paths,
    ...(serviceAccount ? [serviceAccount.privateKeyFile.path, serviceAccount.publicKeyFile.path] : []),
    ...(signer ? [signer.file.path, signer.argumentsFile] : []),
    SERVICE_ACCOUNT,
    FOLLOW_UPS,
    FORMER,
    ...(node.layout.revocationLists ?? []).map(({ file }) => file.path),
    hands.config.heat_params,
    ...node.layout.credentials.map(({ file }) => file),
    ...(await findCandidates(disk, node.layout, passOver)),
    ...copies.pems.keys(),
    ...copies.kubeconfigs.keys(),
  ];
  const stdout = 'the journal was damaged, and was rebuilt from the certificates\n';
  const outcome = succeeded(stdout);
  const record: RunRecord = { units, outcome, about: 'certificates' };
  const journal = await generations.rebuild(paths, record);

  const logins = await loginsIn(journal, hands);
  // Staged credential files cannot be checked for completeness. Their deployment runs once more anyway.
  if (logins.length === 0 && (await agrees(node, journal, disk, hands, ({ staged }) => staged)))
    return journal;
  if (new Set(logins).size <= 1 && (await agrees(node, journal, disk, hands, () => undefined))) {
    // All files are in place; staged ones are obsolete.
    for (const { staged } of journal.files) await disk.remove(staged);
    if (logins.length > 0) await followUpSoon('credentials', hands);
    return { ...journal, state: 'committed' };
  }
  if (await agrees(node, journal, disk, hands, ({ previous }) => previous?.copy))
    return { ...journal, state: 'reverting' };
  hands.log('generation-stuck');
  return await generations.stick(journal, record);
}

/** Returns the logins in the present files of a generation. Files of two generations have different logins. */
async function loginsIn({ files }: Journal, { disk, config }: Hands): Promise<string[]> {
  const heatParams = await disk.resolve(config.heat_params);
  const logins: string[] = [];
  for (const { target } of files) {
    const content = (await readIfThere(disk, target)) ?? Buffer.alloc(0);
    const format = target === heatParams ? 'shell' : formatOf(content.toString('latin1'));
    if (format)
      for (const { user, trust, password } of credentialsIn(content, format))
        logins.push(JSON.stringify([user, trust, password]));
  }
  return logins;
}

/** Whether the layout's files would agree if `instead` replaced each of them, where that file exists. */
async function agrees(
  node: Node,
  { files }: Journal,
  disk: Disk,
  { clock }: Hands,
  instead: (file: JournalFile) => string | undefined,
): Promise<boolean> {
  const replaced = new Map<string, Buffer>();
  for (const file of files) {
    const other = instead(file);
    const content = other === undefined ? undefined : await readIfThere(disk, other);
    if (content) replaced.set(file.target, content);
  }
  const imagined: Disk = {
    ...disk,
    read: async (path) => replaced.get(await disk.resolve(path)) ?? (await disk.read(path)),
  };
  const holdings = await takeInventory(imagined, node.layout, clock.now());
  // Dates do not distinguish the generations, and an expired set is still complete.
  return holdings.every(({ faults }) =>
    faults.every(({ code }) => code === 'expired' || code === 'not-yet-valid'),
  );
}
