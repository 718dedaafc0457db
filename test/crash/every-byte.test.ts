import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPassRecord } from '../../agent/status-file.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createDisk } from '../../src/base/real-disk.ts';
import type { Disk } from '../../src/base/disk.ts';
import { replaceFile } from '../../src/base/replace-file.ts';
import { AgentError } from '../../src/base/errors.ts';
import type { Deployment } from '../../src/deployment/deployment.ts';
import { openLedger } from '../../src/deployment/ledger.ts';
import { readJournal, writeJournal } from '../../src/files/journal.ts';
import { createKeptRequests } from '../../src/files/kept-requests.ts';

/** Reads each state file cut at every length and with a bit of every byte flipped. */
let root: string;
let disk: Disk;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'coe-bytes-'));
  disk = createDisk(root);
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

function* damagesOf(content: Buffer): Generator<Buffer> {
  for (let length = 0; length < content.length; length += 1) yield content.subarray(0, length);
  for (let offset = 0; offset < content.length; offset += 1) {
    const flipped = Buffer.from(content);
    flipped[offset] = (flipped[offset] ?? 0) ^ (1 << (offset % 8));
    yield flipped;
  }
}

/** Reads a file in every damaged state; `read` returns its value, or throws the expected error. */
async function readDamaged(
  path: string,
  read: (damaged: Disk) => Promise<unknown>,
): Promise<{ values: Set<string>; errors: Set<string>; tried: number }> {
  const content = await disk.read(path);
  const values = new Set<string>();
  const errors = new Set<string>();
  let tried = 0;
  for (const damage of damagesOf(content)) {
    tried += 1;
    const damaged = {
      ...disk,
      read: async (asked: string) => (asked === path ? damage : await disk.read(asked)),
    };
    try {
      values.add(JSON.stringify(await read(damaged)) ?? 'undefined');
    } catch (error) {
      errors.add(
        error instanceof AgentError ? `${error.code}: ${error.message.includes(path)}` : String(error),
      );
    }
  }
  return { values, errors, tried };
}

test('detects any damage of the journal', async () => {
  const path = '/journal';
  const attributes = { mode: 0o440, uid: 0, gid: 0 };
  const files = ['ca.crt', 'server.key', 'server.crt'].map((name) => ({
    target: `/etc/kubernetes/certs/${name}`,
    staged: `/etc/kubernetes/certs/.${name}.coe-agent`,
    previous: { copy: `/previous/${name}`, attributes },
  }));
  const journal = { version: 1, runId: 'an-id', state: 'committing', files, run: { units: [] } } as const;
  await writeJournal(disk, path, { ...journal, files });
  const { values, errors, tried } = await readDamaged(
    path,
    async (damaged) => await readJournal(damaged, path),
  );
  expect(tried).toBeGreaterThan(1000);
  // A journal without its last line break is complete.
  expect([...values]).toEqual([JSON.stringify(journal)]);
  expect([...errors]).toEqual(['state: true']);
});

test('detects any damage of a ledger record', async () => {
  const deployment: Deployment = {
    id: 'an-id',
    name: 'a name',
    group: 'coe-rotate',
    action: 'UPDATE',
    createdAt: 0,
    resource: 'stack/id/resource',
    inputs: {},
    asks: 'a digest',
    rotation: 'a digest',
    outputs: [],
    raw: {},
    signal: { transport: 'NO_SIGNAL' },
  };
  const ledger = await openLedger({ disk, clock: systemClock, onDamage: () => undefined }, '/ledger');
  await ledger.accept(deployment);
  const told = new Set<string>();
  const path = '/ledger/an-id.json';
  const { values, errors } = await readDamaged(path, async (damaged) => {
    let isTold = false;
    const onDamage = (where: string): void => {
      isTold = true;
      told.add(where);
    };
    const opened = await openLedger({ disk: damaged, clock: systemClock, onDamage }, '/ledger');
    // A record is read as written or reported as damaged, and never taken for a new one.
    return { entry: opened.find('an-id')?.state, damaged: opened.damaged('an-id'), isTold };
  });
  expect([...errors]).toEqual([]);
  expect([...told]).toEqual([path]);
  expect([...values].toSorted()).toEqual(
    [
      { damaged: true, isTold: true },
      { entry: 'accepted', damaged: false, isTold: false },
    ].map((value) => JSON.stringify(value)),
  );
});

test('detects any damage of a kept request', async () => {
  await createKeptRequests(disk, '/requests').keep('server', 'digest', {
    key: 'the key',
    csr: 'the request',
  });
  const { values, errors } = await readDamaged('/requests/server', async (damaged) => {
    const kept = await createKeptRequests(damaged, '/requests').recall('server', 'digest');
    return kept && { key: kept.key, csr: kept.csr };
  });
  expect([...errors]).toEqual([]);
  expect([...values].toSorted()).toEqual(['undefined', '{"key":"the key","csr":"the request"}'].toSorted());
});

test('detects any damage of the record of the last pass', async () => {
  const path = '/run/coe-agent/last-pass.json';
  const record = { at: '2026-01-01T00:00:00.000Z', problems: ['some'], open: 1, unserved: [] };
  await disk.makeDirectory('/run/coe-agent', {});
  await replaceFile(disk, path, JSON.stringify(record), {});
  const { errors } = await readDamaged(path, async (damaged) => await readPassRecord({ disk: damaged }));
  expect([...errors]).toEqual([]);
});
