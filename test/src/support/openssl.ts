import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Runs the openssl program: an independent judge, and a CA that is not our own code. */
export async function openssl(args: readonly string[], input = ''): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`openssl ${args.join(' ')}: ${errors}`));
    });
    child.stdin.on('error', () => undefined).end(input);
  });
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'coe-openssl-'));
  onTestFinished(async () => {
    await rm(path, { recursive: true, force: true });
  });
  return path;
}

export type TestCa = {
  pem: string;
  key: string;
  /** Signs a CSR with the extensions that it requests, or with those of an openssl section. */
  sign(csr: string, extensions?: readonly string[]): Promise<string>;
};

/** Makes a CA like Magnum's: all CAs of a cluster, in every generation, have its name. */
export async function createCa(name = 'k1', days = 1825): Promise<TestCa> {
  const at = await folder();
  const [key, pem] = [join(at, 'ca.key'), join(at, 'ca.pem')];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const usage = [
    '-addext',
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    '-addext',
    'keyUsage=critical,keyCertSign',
  ];
  await openssl([
    'req',
    '-x509',
    ...ec,
    '-keyout',
    key,
    '-out',
    pem,
    '-subj',
    `/CN=${name}`,
    '-days',
    String(days),
    ...usage,
  ]);
  let serial = 0;
  return {
    pem: await readFile(pem, 'utf8'),
    key: await readFile(key, 'utf8'),
    sign: async (csr, extensions) => {
      serial += 1;
      const section = join(at, `${serial}.ext`);
      if (extensions) await writeFile(section, extensions.join('\n'));
      const kept = extensions ? ['-extfile', section] : ['-copy_extensions', 'copyall'];
      const base = [
        'x509',
        '-req',
        '-CA',
        pem,
        '-CAkey',
        key,
        '-set_serial',
        String(serial),
        '-days',
        '1825',
      ];
      return await openssl([...base, ...kept], csr);
    },
  };
}
