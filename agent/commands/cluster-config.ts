import { dirname, join, resolve } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { createDisk } from '../../src/base/real-disk.ts';
import type { Disk } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import { issueCertificates, type Material } from '../../src/certificates/issue.ts';
import { fingerprint, oneCertificate, serialOf } from '../../src/certificates/read.ts';
import { CA_TYPES, type CaType } from '../../src/certificates/layout.ts';
import type { CertificateRequest } from '../../src/certificates/request.ts';
import { EXIT } from './exit-code.ts';
import { watchSignals } from '../lifecycle.ts';
import { shellQuote } from '../../src/base/shell-quote.ts';
import { type ClusterDoor, openNodesDoor, openPersonsDoor } from './cluster-door.ts';
import { writeJson } from './json-answer.ts';
import { textOption, type Verb } from './verb.ts';

/**
 * Writes a kubeconfig for a person. The key is created on this machine and never leaves it; Magnum signs the
 * certificate. Standard output is one line for the calling shell: `eval "$(agent cluster-config ...)"`.
 */
export const verb: Verb = async (context, options) => {
  const { user, group, type, directory } = wantedOf(options);
  // This is a path of the caller, not of the node below --root.
  const disk = createDisk('/');
  if (options['force'] !== true) await refuseToOverwrite(disk, directory);
  const { stopping } = watchSignals();
  const name = textOption(options, 'cluster');
  const door =
    name === undefined
      ? await openNodesDoor(context, stopping)
      : await openPersonsDoor(name, context, stopping);
  try {
    const { cluster, server } = door;
    const material = await issue(requestOf(user, group, type), door);
    const { certificate, key } = material.certificates.get(NAME) ?? { certificate: '', key: '' };
    context.secrets.add(key);
    const ca = material.authorities.get(type) ?? '';
    const { newKubeconfig } = await import('../../src/files/new-kubeconfig.ts');
    const path = join(directory, 'config');
    await write(disk, [
      [join(directory, 'key.pem'), key, 0o600],
      [join(directory, 'cert.pem'), certificate, 0o644],
      [join(directory, 'ca.pem'), ca, 0o644],
      [path, newKubeconfig({ ca, certificate, key }, { cluster, user, server }), 0o600],
    ]);
    const issued = oneCertificate(certificate, NAME);
    await door.audit?.({ path: directory, certificate: issued });
    const notAfter = issued.validToDate.toISOString();
    if (context.json)
      writeJson(context, 'cluster-config', {
        kubeconfig: path,
        user,
        server,
        fingerprint: fingerprint(issued),
        serial: serialOf(issued),
        notAfter,
      });
    else context.world.stdout.write(`export KUBECONFIG=${shellQuote(path)}\n`);
    return EXIT.done;
  } finally {
    door.close();
  }
};

/** Line breaks and other control characters. Kubeconfigs, certificates and shells each interpret them differently. */
const UNREADABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;

const NAME = 'client';
const FILES = ['key.pem', 'cert.pem', 'ca.pem', 'config'] as const;

/** RFC 5280, appendix A.1: ub-common-name and ub-organization-name. */
const LONGEST = 64;

function wantedOf(options: Record<string, unknown>): {
  user: string;
  group: string | undefined;
  type: CaType;
  directory: string;
} {
  const user = textOption(options, 'user') ?? '';
  const group = textOption(options, 'group');
  for (const [option, value] of [
    ['--user', user],
    ['--group', group],
  ] as const)
    if (value !== undefined && (value.trim() === '' || value.length > LONGEST || UNREADABLE.test(value)))
      throw new AgentError('usage', `${option}: a name of 1 to ${LONGEST} characters on one line`);
  const type = CA_TYPES.find((one) => one === options['ca']) ?? 'kubernetes';
  const directory = resolve(textOption(options, 'dir') ?? '.');
  if (directory.includes(':') || UNREADABLE.test(directory))
    throw new AgentError(
      'usage',
      '--dir: KUBECONFIG holds a path on one line, and a colon begins another path',
    );
  return { user, group, type, directory };
}

async function refuseToOverwrite(disk: Disk, directory: string): Promise<void> {
  for (const name of FILES)
    if (await disk.info(join(directory, name)))
      throw new AgentError('usage', `there is a ${join(directory, name)} already: --force replaces it`);
}

const requestOf = (user: string, group: string | undefined, ca: CaType): CertificateRequest => ({
  name: NAME,
  ca,
  subject: [['CN', user], ...(group === undefined ? [] : [['O', group] as const])],
  names: [],
  keyUsage: ['digitalSignature', 'keyEncipherment'],
  extendedKeyUsage: ['clientAuth'],
});

const issue = async (request: CertificateRequest, { readCa, sign, keys }: ClusterDoor): Promise<Material> =>
  await issueCertificates([request], [request.ca], keys, {
    readCa,
    sign,
    // Stores nothing: this data is needed only within this run.
    recall: async () => await Promise.resolve(undefined),
    keep: async () => await Promise.resolve(),
    now: systemClock.now,
    done: () => undefined,
  });

/**
 * Stages every new file beside its target first, so that a failure leaves the old files. Replaces the kubeconfig last.
 */
async function write(disk: Disk, files: readonly (readonly [string, string, number])[]): Promise<void> {
  const staged = files.map(([path]) =>
    join(dirname(path), `.${path.slice(path.lastIndexOf('/') + 1)}.coe-agent`),
  );
  const [first] = files;
  if (first) await disk.makeDirectory(dirname(first[0]), { mode: 0o700 });
  try {
    for (const [index, [, content, mode]] of files.entries()) {
      const at = staged[index] ?? '';
      await disk.remove(at);
      await disk.create(at, content, { mode });
    }
    for (const [index, [path]] of files.entries()) await disk.rename(staged[index] ?? '', path);
    if (first) await disk.sync(dirname(first[0]));
  } finally {
    for (const path of staged) await disk.remove(path);
  }
}
