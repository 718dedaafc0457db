import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { chooseLayout, roleOf } from '../../../src/certificates/choose-layout.ts';
import { createCsr } from '../../../src/certificates/csr.ts';
import { makeKey } from '../../../src/certificates/key.ts';
import type { FileRow, RoleLayout } from '../../../src/certificates/layout.ts';
import { requestsOf } from '../../../src/certificates/request.ts';
import { factsOf } from '../../../src/certificates/template.ts';
import { openssl } from '../../src/support/openssl.ts';
import { differences } from './differences.ts';

/** The output of the originals; README.md describes how it was captured. */
const Golden = v.object({
  heatParams: v.record(v.string(), v.string()),
  hostname: v.string(),
  publicIpv4: v.string(),
  certificates: v.array(
    v.object({
      stem: v.string(),
      ca: v.nullable(v.string()),
      subject: v.array(v.string()),
      names: v.array(v.string()),
      keyUsage: v.nullable(v.object({ critical: v.boolean(), usages: v.array(v.string()) })),
      extendedKeyUsage: v.array(v.string()),
      key: v.literal('4096'),
    }),
  ),
  files: v.array(v.object({ path: v.string(), mode: v.string(), owner: v.string() })),
  /** The content of the service-account key files. */
  serviceAccount: v.optional(v.record(v.string(), v.string()), {}),
});
type Golden = v.InferOutput<typeof Golden>;
type Certificate = Omit<Golden['certificates'][number], 'key'>;

const CASES = ['master-full', 'master-plain', 'master-repeated', 'worker', 'swarm', 'swarm-repeated'];
const golden = (name: string): Golden =>
  v.parse(Golden, JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8')));

/** Magnum treats both spellings like none. */
const canonicalCa = (ca: string): string => (ca === 'kubelet' ? 'kubernetes' : ca);

const nothingYet = async (): Promise<boolean> => await Promise.resolve(false);

async function roleFor({ heatParams }: Golden): Promise<RoleLayout> {
  const { layout } = await chooseLayout('auto', [], new Map(Object.entries(heatParams)), nothingYet);
  return layout.roles[roleOf(heatParams['NODEGROUP_ROLE'] ?? '')];
}

/** This program's requests for the same node, as openssl reads them. */
async function asked(of: Golden, role: RoleLayout): Promise<Certificate[]> {
  const params = new Map([...Object.entries(of.heatParams), ['PUBLIC_IPV4', of.publicIpv4] as const]);
  const key = await makeKey('ec-p256');
  return await Promise.all(
    requestsOf(role, factsOf(params, of.hostname)).map(async (request, index) => {
      const csr = createCsr(request, key);
      const show = async (...what: string[]): Promise<string> =>
        await openssl(['req', '-noout', ...what], csr);
      const [, ...subject] = (await show('-subject', '-nameopt', 'sep_multiline,sname,utf8')).split('\n');
      const text = await show('-text');
      const extension = (name: string): string[] | undefined =>
        new RegExp(`X509v3 ${name}: *(?:critical)?\\n *(.*)`).exec(text)?.[1]?.trim().split(', ');
      const usages = extension('Key Usage');
      return {
        stem: role.certificates[index]?.files?.certificate.path.replace(/\.crt$/, '') ?? '',
        ca: canonicalCa(request.ca),
        subject: subject.map((line) => line.trim()).filter((line) => line !== ''),
        names: extension('Subject Alternative Name') ?? [],
        keyUsage: usages ? { critical: text.includes('X509v3 Key Usage: critical'), usages } : null,
        extendedKeyUsage: extension('Extended Key Usage') ?? [],
      };
    }),
  );
}

const filesOf = (role: RoleLayout): FileRow[] => [
  ...role.authorities.map(({ file }) => file),
  ...role.certificates.flatMap(({ files }) => (files ? [files.certificate, files.key] : [])),
  ...(role.serviceAccount ? [role.serviceAccount.publicKeyFile, role.serviceAccount.privateKeyFile] : []),
];

const byStem = <T extends { stem: string }>(rows: readonly T[]): T[] =>
  rows.toSorted((a, b) => a.stem.localeCompare(b.stem));

describe.each(CASES)('%s', (name) => {
  test("has the original's subjects, names, usages, CAs and files", async () => {
    const original = golden(name);
    const wanted = original.certificates.map(({ stem, ca, subject, names, keyUsage, extendedKeyUsage }) => ({
      stem,
      ca: canonicalCa(ca ?? 'kubernetes'),
      subject,
      names: differences.names(name, names),
      keyUsage,
      extendedKeyUsage,
    }));
    const ours = await asked(original, await roleFor(original));
    const inOrder = (rows: Certificate[]): Certificate[] =>
      // make-cert.py keeps its addresses in a set, whose order differs in each run.
      name.startsWith('swarm') ? rows.map((row) => ({ ...row, names: row.names.toSorted() })) : rows;
    expect(inOrder(byStem(ours))).toEqual(inOrder(byStem(wanted)));
  });

  test("has the original's modes and owners, except for intended differences", async () => {
    const original = golden(name);
    const role = await roleFor(original);
    const others: string[] = [];
    const seen = new Set<string>();
    for (const { path, owner, group, mode, directoryMode } of filesOf(role)) {
      const directory = path.replace(/\/[^/]+$/, '');
      for (const [at, ours] of [
        [path, mode],
        [directory, directoryMode],
      ] as const) {
        const there = original.files.find((file) => file.path === at);
        const said = `${ours.toString(8)} ${owner}:${group}`;
        if (there && said !== `${there.mode} ${there.owner}` && !seen.has(at))
          others.push(`${at} ${there.mode} ${there.owner} -> ${said}`);
        expect(there, at).toBeDefined();
        seen.add(at);
      }
    }
    expect(others.toSorted()).toEqual(differences.files(name));
  });
});
