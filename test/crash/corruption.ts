import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bench, type Case, readManaged } from './bench.ts';
import { faultsOfCredentials } from './after-kill.ts';
import { faultsOfSet } from './certificate-set.ts';
import { accepted } from './disk-fault.ts';
import { faultsOfRun } from './ending.ts';
import { createScenario, type Scenario } from './kill.ts';
import type { Runner } from './run.ts';
import { CREDENTIALS, CREDENTIALS_GOING_BACK, GOING_BACK, IN_FILES, IN_KUBECONFIGS } from './scenarios.ts';
import { sideBySide } from './sweep.ts';

/** A moment at which a state file matters, and the file; a folder means its first file. */
export type Moment = { name: string; scenario: Scenario; killWhere: string[]; file: string };

const STATE = '/var/lib/coe-agent';
const JOURNAL = `${STATE}/generation/journal`;
const LEDGER = `${STATE}/deployments`;
const REQUESTS = `${STATE}/generation/requests`;
const at = (name: string, scenario: Scenario, killWhere: string[], file: string): Moment => ({
  name,
  scenario,
  killWhere,
  file,
});

export const MOMENTS: readonly Moment[] = [
  at('the journal while staging', IN_FILES, ['half-way through create .*server.key.coe-agent'], JOURNAL),
  at('the journal while committing', IN_FILES, ['after rename .*certs/kubelet.key$'], JOURNAL),
  at('the journal while committing, kubeconfigs', IN_KUBECONFIGS, ['after rename .*server.crt$'], JOURNAL),
  at('the journal when committed', IN_FILES, ['before restart kube-apiserver'], JOURNAL),
  at(
    'the journal while going back',
    GOING_BACK,
    ['restart kubelet', 'after rename .*certs/server.crt$'],
    JOURNAL,
  ),
  at(
    'the journal of credentials while staging',
    CREDENTIALS,
    ['half-way through create .*cloud-config.coe-agent'],
    JOURNAL,
  ),
  at(
    'the journal of credentials while committing',
    CREDENTIALS,
    ['after rename .*sysconfig/heat-params$'],
    JOURNAL,
  ),
  at('the journal of credentials when committed', CREDENTIALS, ['before restart kubelet'], JOURNAL),
  at(
    'the journal of credentials while going back',
    CREDENTIALS_GOING_BACK,
    ['restart kubelet', 'after rename .*sysconfig/heat-params$'],
    JOURNAL,
  ),
  at('the journal when ended', IN_FILES, ['restart kube-proxy', `after rename .* to ${LEDGER}`], JOURNAL),
  at('the ledger when accepted', IN_FILES, [`after rename .* to ${LEDGER}`], LEDGER),
  at('the ledger while staging', IN_FILES, ['half-way through create .*server.key.coe-agent'], LEDGER),
  at('the ledger while committing', IN_FILES, ['after rename .*certs/kubelet.key$'], LEDGER),
  at('the ledger when finished', IN_FILES, ['before POST .*/signal'], LEDGER),
  at('the ledger when failed', GOING_BACK, ['before POST .*/signal'], LEDGER),
  at('the ledger when told', IN_FILES, ['restart', 'before create /run/coe-agent/.last-pass'], LEDGER),
  at('a kept request', IN_FILES, ['before POST .*/certificates$'], REQUESTS),
  at(
    'the last pass',
    IN_FILES,
    ['after rename .* to /run/coe-agent/last-pass'],
    '/run/coe-agent/last-pass.json',
  ),
];

/** A change of a file's bytes. */
export type Damage = { name: string; change: (content: Buffer) => Buffer };

export const cutTo = (share: number): Damage => ({
  name: `cut to ${Math.round(share * 1000) / 10} %`,
  change: (content) => content.subarray(0, Math.floor(content.length * share)),
});

export const flip = (share: number, bit: number): Damage => ({
  name: `bit ${bit} flipped at ${Math.round(share * 1000) / 10} %`,
  change: (content) => {
    const changed = Buffer.from(content);
    const offset = Math.min(content.length - 1, Math.floor(content.length * share));
    changed[offset] = (changed[offset] ?? 0) ^ (1 << bit);
    return changed;
  },
});

/** Damage that file systems are known to leave after a power failure. */
export const ZEROES: Damage = { name: 'all zeroes', change: (content) => Buffer.alloc(content.length) };
export const EMPTY: Damage = { name: 'empty', change: () => Buffer.alloc(0) };

type CorruptionFinding = { file: string; damage: string; faults: string[] };

/** Combines every moment with each kind of damage. */
export async function sweepDamages(
  bench: Bench,
  cases: readonly (readonly [Moment, Damage])[],
): Promise<CorruptionFinding[]> {
  const findings: CorruptionFinding[] = [];
  await sideBySide(cases, 3, async ([moment, damage], runner) => {
    const faults = await damageAndRecover(bench, moment, damage, runner);
    if (faults.length > 0) findings.push({ file: moment.name, damage: damage.name, faults });
  });
  return findings;
}

/**
 * Kills a rotation at a moment, damages one of its state files, and lets it continue. The certificates must be one set
 * after the recovery and at the end, Heat must be told exactly once, the log must name the file, and the next rotation
 * must work.
 *
 * @returns the faults
 */
async function damageAndRecover(
  bench: Bench,
  { scenario, killWhere, file }: Moment,
  { change }: Damage,
  runner: Runner,
): Promise<string[]> {
  const one = await createScenario(bench, scenario);
  const { root } = one.node;
  try {
    const killed = await runner.run(root, { killWhere });
    if (!killed.killed) return [`it was not killed: ${killed.stdout}${killed.stderr}`];
    const path = await onlyFile(root, file);
    const content = await readFile(join(root, path));
    const damaged = change(content);
    await writeFile(join(root, path), damaged);

    // Read-only verbs only report that a file is damaged.
    const runs = [await runner.run(root, {}, 'status'), await runner.run(root, {}, 'plan')];
    // The result of the recovery alone, without the cloud, before a new rotation can hide it.
    runs.push(await runner.run(root, {}, 'restart'));
    const faults = faultsOfSet(one.layout, await readManaged(root)).map((text) => `recovered: ${text}`);
    for (let again = 0; again < 3; again += 1) runs.push(await runner.run(root));
    faults.push(...runs.flatMap(faultsOfRun));
    const files = await readManaged(root);
    faults.push(...faultsOfSet(one.layout, files));
    if (one.credentials && !scenario.fails) faults.push(...faultsOfCredentials(one, files));
    const told = accepted(one).length;
    if (told !== 1)
      faults.push(`Heat was told ${told} outcomes; the stack is ${one.cloud.stackStatus(one.cluster)}`);
    const isNamed = runs.some(({ stdout, stderr }) => `${stdout}${stderr}`.includes(path));
    if (MUST_BE_NAMED.some((folder) => path.startsWith(folder)) && !damaged.equals(content) && !isNamed)
      faults.push(`nobody says that ${path} is damaged`);
    if (told === 1) faults.push(...(await nextRotation(one, runner)));
    if (faults.length > 0)
      faults.push(...runs.map(({ code, stdout, stderr }) => `${code}: ${stdout}${stderr}`));
    return faults;
  } finally {
    await one.close();
  }
}

/** A kept request and the record of the last pass are optional, and made anew. */
const MUST_BE_NAMED = [JOURNAL, LEDGER];

async function onlyFile(root: string, path: string): Promise<string> {
  if (path.endsWith('.json') || path === JOURNAL) return path;
  const names = (await readdir(join(root, path))).filter((name) => !name.startsWith('.'));
  return join(path, names[0] ?? 'nothing');
}

async function nextRotation(one: Case, runner: Runner): Promise<string[]> {
  one.node.units.mend('kubelet');
  one.rotate();
  const { stdout, stderr } = await runner.run(one.node.root);
  const stack = await one.cloud.settled(one.cluster, 2000).catch(() => one.cloud.stackStatus(one.cluster));
  const files = await readManaged(one.node.root);
  const faults = faultsOfSet(one.layout, files);
  const litter = [...files.keys()].filter(
    (path) => !one.old.has(path) && !/service_account|sa\.(key|pub)/.test(path),
  );
  faults.push(...litter.map((path) => `left behind: ${path}`));
  if (stack !== 'UPDATE_COMPLETE') faults.push(`the next rotation: ${stack} ${stdout}${stderr}`);
  return faults;
}
