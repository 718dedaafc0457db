import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { presentedCertificate } from '../../src/services/presented.ts';
import { faultsOfCredentials, isOld } from './after-kill.ts';
import { type Case, readManaged, unitsOf } from './bench.ts';
import { blocksIn, caFileOf, faultsOfSet, type Files, fingerprintOf, layoutOf } from './certificate-set.ts';
import type { Run } from './run.ts';
import { listing, readTree } from './tree.ts';

/** The expected end of a rotation. */
export type Ending = {
  set: 'new' | 'old';
  stack: string;
  /** Every entry below the root, as an undisturbed run leaves it. */
  listing: readonly string[];
};

/** The end of a rotation, without the parts that differ each time. */
export async function endingOf(one: Case, set: Ending['set']): Promise<Ending> {
  return { set, stack: one.cloud.stackStatus(one.cluster), listing: listing(await readTree(one.node.root)) };
}

/** Returns the differences from the end of an undisturbed run, and other faults. */
export async function faultsOfEnding(one: Case, wanted: Ending): Promise<string[]> {
  const { cloud, cluster, node, layout, work, earlier, old } = one;
  const answers = work === 'grace' ? earlier : earlier + 1;
  const faults: string[] = [];
  const stack = await cloud.settled(cluster, 3000).catch(() => cloud.stackStatus(cluster));
  if (stack !== wanted.stack) faults.push(`the stack is ${stack}`);
  const accepted = cloud.signals.filter((signal) => signal.stack === cluster.name && signal.accepted);
  if (accepted.length !== answers) faults.push(`${accepted.length} outcomes acknowledged by Heat`);
  faults.push(...(await ledgerFaults(node.root, answers)));

  const files = await readManaged(node.root);
  faults.push(...faultsOfSet(layout, files, { several: work !== 'all' }));
  if (wanted.set === 'old' && !isOld(files, old)) faults.push('not every file is the old one');
  if (wanted.set === 'new')
    faults.push(...(one.credentials ? faultsOfCredentials(one, files) : faultsOfNew(one, files)));

  const found = listing(await readTree(node.root));
  const tooMuch = found.filter((line) => !wanted.listing.includes(line) && !isOfOthers(line));
  faults.push(...tooMuch.map((line) => `too much: ${line}`));
  const missing = wanted.listing.filter((line) => !found.includes(line) && !mayBeDone(line));
  faults.push(...missing.map((line) => `missing: ${line}`));
  faults.push(...(await unitFaults(one, files)));
  return faults;
}

/** Another pass may have completed the rotation's remaining work in the cluster, and removed its record. */
const mayBeDone = (line: string): boolean => line.startsWith('/var/lib/coe-agent/follow-ups.json ');

/**
 * A daemon remembers the cloud's answer; the undisturbed run is a single pass. A run that was killed may have restarted a
 * kubelet that the undisturbed run does not reach.
 */
const isOfOthers = (line: string): boolean =>
  /^\/(var\/lib\/coe-agent\/(last-answer|upkeep)|run\/coe-agent\/kubelet)\.json /.test(line);

function faultsOfNew(
  { layout, work, cluster, formerCas, serviceAccount, old }: Case,
  files: Files,
): string[] {
  const role = layoutOf(layout);
  const faults = role.authorities.flatMap(({ ca, file }) => {
    const fresh = fingerprintOf(cluster.ca[ca === 'etcd' || ca === 'front-proxy' ? ca : 'kubernetes']);
    const former = fingerprintOf(formerCas.get(file.path)?.content ?? '');
    const wanted = work === 'trust' ? [former, fresh] : work === 'reissue' ? [fresh, former] : [fresh];
    const found = blocksIn(files.get(file.path)?.content ?? '').map(fingerprintOf);
    return found.join() === wanted.join()
      ? []
      : [`${caFileOf(role, ca)} holds ${found.length} CAs, not those of ${work}`];
  });
  const staying = role.certificates.filter(({ files: row }) => {
    const path = row?.key.path ?? '';
    if (!files.has(path)) return false;
    return (files.get(path)?.content === old.get(path)?.content) !== (work !== 'all' && work !== 'reissue');
  });
  faults.push(
    ...staying.map(
      ({ name }) =>
        `the key of ${name} is ${work === 'all' || work === 'reissue' ? 'still the old' : 'another'} one`,
    ),
  );
  const { privateKeyFile, publicKeyFile } = role.serviceAccount ?? {};
  if (privateKeyFile && files.get(privateKeyFile.path)?.content !== serviceAccount.privateKey)
    faults.push('the service-account private key is not the new one');
  if (publicKeyFile && files.get(publicKeyFile.path)?.content !== serviceAccount.publicKey)
    faults.push('the service-account public key is not the new one');
  return faults;
}

/** Expects one ledger record per deployment, none of them awaiting an answer. */
async function ledgerFaults(root: string, count: number): Promise<string[]> {
  const folder = join(root, 'var/lib/coe-agent/deployments');
  const names = await readdir(folder).catch(() => []);
  if (names.length !== count) return [`${names.length} files in the ledger: ${names.join(' ')}`];
  const texts = await Promise.all(names.map(async (name) => await readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text) =>
    // An accepted answer may be unrecorded when Heat takes the deployment back, which is then abandoned.
    /"state":"(signalled|superseded)"|"unlisted":2/.test(text) ? [] : [`the ledger says ${text}`],
  );
}

/** Expects each unit to present the leaf in its file, and one without a port to have read the present files. */
export async function unitFaults(
  { node, layout, work }: Pick<Case, 'node' | 'layout' | 'work'>,
  files: Files,
): Promise<string[]> {
  const faults: string[] = [];
  const now = node.units.wouldRead();
  for (const { unit, probe } of layoutOf(layout).units) {
    // A unit that cannot start presents nothing.
    if (node.units.isBroken(unit)) continue;
    if (!probe || !unitsOf(layout).includes(unit)) {
      const read = node.units.hasRead(unit);
      if (work === 'all' && read !== undefined && read !== now) faults.push(`${unit} has read other files`);
      continue;
    }
    const row = layoutOf(layout).certificates.find(({ name }) => name === probe.presents);
    const file = files.get(row?.files?.certificate.path ?? '')?.content ?? '';
    const seen = await presentedCertificate('127.0.0.1', node.units.port(unit), AbortSignal.timeout(5000));
    if (seen.fingerprint256 !== fingerprintOf(file))
      faults.push(`${unit} does not present ${probe.presents}`);
  }
  return faults;
}

/** The unit that does not start if a rotation has to fail. */
export const BROKEN = 'kubelet';

/** Expects no internals of the program in a run's output. */
export const faultsOfRun = ({ stderr, stdout }: Run): string[] =>
  /^\s+at .+:\d+:\d+\)?$/m.test(stderr + stdout) || /\\n\s+at /.test(stderr)
    ? [`a stack trace: ${stderr.slice(0, 600)}`]
    : [];
