import { spawnSync } from 'node:child_process';
import { createHash, type X509Certificate } from 'node:crypto';
import { constants, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTls, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { certificatesIn } from '../../src/certificates/read.ts';
import { createClusterCa } from '../cluster/authority.ts';

/**
 * The files with which a unit serves its TLS port, below the node's root, on a host (127.0.0.1). `healthOnTls`: its
 * health is served there too. `self-signed`: it serves its health to any client on a TLS port with a certificate of its
 * own.
 */
export type UnitSpec =
  | { certificate: string; key: string; ca: string; healthOnTls?: boolean; host?: string }
  | 'self-signed'
  | undefined;

/** A unit's misbehaviour at its next restarts. */
export type Misbehaviour =
  | 'fails to start'
  /** At the next restart only. */
  | 'fails to start once'
  | 'keeps the old certificate'
  | 'is not well'
  | 'is started again and again'
  | 'is masked'
  | 'is missing';

export type Units = {
  /** The TLS port of a unit. */
  port(unit: string): number;
  /** The address of a unit's health: on its TLS port, or on a separate plain one. */
  health(unit: string): string;
  /** Every restart, in order. */
  readonly restarts: readonly string[];
  /** Makes a unit misbehave until it is mended. */
  breakUnit(unit: string, how: Misbehaviour): void;
  mend(unit: string): void;
  isBroken(unit: string): boolean;
  /**
   * Starts the unit with `--client-crl-file`, used like etcd does: it reads the file at each connection, compares
   * serial numbers, and rejects every client if the file is missing.
   *
   * @param actually the file that it really reads
   */
  goByList(unit: string, file: string, actually?: string): void;
  /** systemd's properties of the unit's start: lines of `systemctl show`. */
  show(unit: string, lines: string): void;
  /** Sets the answers on a unit's TLS port, in addition to its health. */
  serve(unit: string, listener: RequestListener): void;
  /** Ends every connection before the handshake, as if nothing listened. */
  mute(isMuted: boolean): void;
  /** Stops a unit like `systemctl stop`. */
  stop(unit: string): void;
  /** Restarts a unit like Restart=: without a request, and the unit reads its files again. */
  startAgain(unit: string): void;
  /** Rereads the files, as some units do: the unit presents them, and remains the same process. */
  reread(unit: string): void;
  /** A digest of every file below /etc at the unit's last start. */
  hasRead(unit: string): string | undefined;
  /** The same digest for a start at this moment. */
  wouldRead(): string;
  /** Switches the node off at this restart, where 1 is the next: every unit is stopped, and none can be started. */
  goDown(atRestart: number): void;
  comeUp(): void;
  close(): Promise<void>;
};

/**
 * Starts stand-ins for the units of a node: real TLS ports that read their files at a restart, like dockerd or etcd's
 * CA, and require a client certificate of their CA. A stand-in `systemctl` below the root reaches them over a socket.
 */
export async function startUnits(root: string, specs: Readonly<Record<string, UnitSpec>>): Promise<Units> {
  const broken = new Map<string, Misbehaviour>();
  const served = new Map<string, RequestListener>();
  const lists = new Map<string, { told: string; read: string }>();
  const shown = new Map<string, string>();
  const running = new Map<string, 'active' | 'failed' | 'inactive'>();
  const starts = new Map<string, Starts>();
  const read = new Map<string, string>();
  const servers = new Map<string, Server | TlsServer>();
  const health = new Map<string, Server | TlsServer>();
  const clientCas = new Map<string, readonly X509Certificate[]>();
  const restarts: string[] = [];

  const answer =
    (unit: string): RequestListener =>
    (request, response) => {
      const { socket } = request;
      // Its client was rejected.
      if (socket.destroyed) return;
      const list = lists.get(unit);
      if (list !== undefined && socket instanceof TLSSocket && isShutOut(socket, join(root, list.read))) {
        socket.destroy();
        return;
      }
      const listener = served.get(unit);
      if (listener && request.url !== '/healthz') {
        listener(request, response);
        return;
      }
      response.writeHead(broken.get(unit) === 'is not well' ? 503 : 200, { connection: 'close' }).end('ok\n');
    };
  for (const [unit, spec] of Object.entries(specs)) {
    const own = filesOf(spec);
    if (own) servers.set(unit, await listen(answer(unit), true, own.host));
    if (spec === 'self-signed') health.set(unit, await listenSelfSigned(answer(unit)));
    else if (!own?.healthOnTls) health.set(unit, await listen(answer(unit), false));
  }

  const load = (unit: string): boolean => {
    const spec = filesOf(specs[unit]);
    read.set(unit, digestBelow(join(root, 'etc')));
    try {
      if (spec) {
        const ca = readFileSync(join(root, spec.ca), 'utf8');
        secureServer(servers.get(unit))?.setSecureContext({
          cert: readFileSync(join(root, spec.certificate)),
          key: readFileSync(join(root, spec.key)),
          ca,
        });
        clientCas.set(unit, certificatesIn(ca, spec.ca));
      }
      return true;
    } catch {
      return false;
    }
  };
  let isMuted = false;
  for (const [unit, server] of servers) {
    server.on('connection', (socket: Socket) => {
      if (isMuted || running.get(unit) === 'inactive') socket.destroy();
    });
    // Go tries every CA of a subject, OpenSSL only the first: clients are verified by key.
    server.on('secureConnection', (socket: TLSSocket) => {
      const client = socket.getPeerX509Certificate();
      const isAccepted = clientCas.get(unit)?.some(({ publicKey }) => client?.verify(publicKey) === true);
      if (isAccepted !== true) socket.destroy();
    });
  }
  for (const unit of Object.keys(specs)) running.set(unit, load(unit) ? 'active' : 'failed');

  const count = (unit: string, who: 'by somebody' | 'by systemd'): void => {
    const { all, bySystemd } = starts.get(unit) ?? NEVER_STARTED;
    starts.set(unit, { all: all + 1, bySystemd: who === 'by systemd' ? bySystemd + 1 : 0 });
  };

  let downAt = Infinity;
  const isDown = (): boolean => restarts.length >= downAt;
  const act = (verb: string, unit: string): { code: number; out?: string; err?: string } => {
    if (unit === '') return { code: 0, out: `SystemState=${isDown() ? 'stopping' : 'running'}\n` };
    const fault = broken.get(unit);
    const known = unit in specs && fault !== 'is missing';
    const state = running.get(unit) ?? 'inactive';
    if (verb === 'show') {
      const loaded = known ? (fault === 'is masked' ? 'masked' : 'loaded') : 'not-found';
      const active = known ? state : 'inactive';
      const sub = active === 'active' ? 'running' : active === 'failed' ? 'failed' : 'dead';
      const result = active === 'failed' ? 'exit-code' : 'success';
      const { all, bySystemd } = starts.get(unit) ?? NEVER_STARTED;
      // It ends and restarts between any two looks, and is up at each look.
      if (fault === 'is started again and again') count(unit, 'by systemd');
      const facts = {
        LoadState: loaded,
        ActiveState: active,
        SubState: sub,
        Result: result,
        InvocationID: `${unit}-${all}`,
        NRestarts: bySystemd,
        MainPID: active === 'active' ? 1000 + all : 0,
        ExecMainStartTimestampMonotonic: 1_000_000 * all,
        ...(shown.has(unit)
          ? {}
          : {
              ExecStart: `{ path=/usr/bin/${unit} ; argv[]=/usr/bin/${unit} --client-crl-file=${lists.get(unit)?.told ?? ''} ; ignore_errors=no }`,
            }),
      };
      return {
        code: 0,
        out: Object.entries(facts)
          .map((fact) => `${fact.join('=')}\n`)
          .join('')
          .concat(shown.get(unit) ?? ''),
      };
    }
    if (!known)
      return { code: 5, err: `Failed to ${verb} ${unit}.service: Unit ${unit}.service not found.\n` };
    if (verb === 'reset-failed') return { code: 0 };
    if (verb === 'stop') {
      running.set(unit, 'inactive');
      return { code: 0 };
    }
    restarts.push(unit);
    if (isDown()) {
      for (const name of running.keys()) running.set(name, 'inactive');
      return { code: 1, err: `Job for ${unit}.service canceled.\n` };
    }
    count(unit, 'by somebody');
    if (fault === 'fails to start once') broken.delete(unit);
    const fails = fault === 'fails to start' || fault === 'fails to start once';
    if (fails || (fault !== 'keeps the old certificate' && !load(unit))) {
      // The result of the start is not awaited (--no-block).
      running.set(unit, 'failed');
      return { code: 0 };
    }
    running.set(unit, 'active');
    return { code: 0 };
  };

  const control = await listenControl(root, act);
  return {
    port: (unit) => portOf(servers.get(unit)),
    health: (unit) =>
      health.has(unit)
        ? `${specs[unit] === 'self-signed' ? 'https' : 'http'}://127.0.0.1:${portOf(health.get(unit))}/healthz`
        : `https://127.0.0.1:${portOf(servers.get(unit))}/healthz`,
    restarts,
    breakUnit: (unit, how) => broken.set(unit, how),
    mend: (unit) => broken.delete(unit),
    isBroken: (unit) => broken.has(unit),
    goByList: (unit, told, read = told) => {
      lists.set(unit, { told, read });
    },
    show: (unit, lines) => {
      shown.set(unit, lines);
    },
    serve: (unit, listener) => {
      served.set(unit, listener);
    },
    mute: (muted) => {
      isMuted = muted;
    },
    stop: (unit) => running.set(unit, 'inactive'),
    startAgain: (unit) => {
      count(unit, 'by systemd');
      running.set(unit, load(unit) ? 'active' : 'failed');
    },
    reread: (unit) => {
      load(unit);
    },
    wouldRead: () => digestBelow(join(root, 'etc')),
    hasRead: (unit) => read.get(unit),
    goDown: (atRestart) => {
      downAt = restarts.length + atRestart;
    },
    comeUp: () => {
      downAt = Infinity;
      for (const unit of running.keys()) {
        count(unit, 'by somebody');
        running.set(unit, load(unit) ? 'active' : 'failed');
      }
    },
    close: async () => {
      await Promise.all([...servers.values(), ...health.values(), control].map(closed));
    },
  };
}

/** Whether the list, as the openssl program reads it, rejects the client. */
function isShutOut(socket: TLSSocket, list: string): boolean {
  const asked = ['crl', '-inform', 'DER', '-in', list, '-noout', '-text'];
  const { status, stdout } = spawnSync('openssl', asked, { encoding: 'utf8' });
  const revoked = [...stdout.matchAll(/Serial Number: ([0-9A-F]+)/g)].map(([, serial]) => serial);
  return status !== 0 || revoked.includes(socket.getPeerCertificate().serialNumber);
}

/** All starts of a unit, and systemd's own since the last requested one. */
type Starts = { all: number; bySystemd: number };

const NEVER_STARTED: Starts = { all: 0, bySystemd: 0 };

/** A test's read of a file must not look like a service's read. */
const UNSEEN = { flag: constants.O_RDONLY | constants.O_NOATIME };

/** Returns one digest of the names and contents of all files below a folder. */
function digestBelow(folder: string): string {
  const hash = createHash('sha256');
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    // Services do not read staged files.
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.coe-agent'))
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of paths.toSorted()) hash.update(`${path}\0`).update(readFileSync(path, UNSEEN));
  return hash.digest('hex');
}

const filesOf = (spec: UnitSpec): Exclude<UnitSpec, string> => (spec === 'self-signed' ? undefined : spec);

async function listenSelfSigned(answer: RequestListener): Promise<TlsServer> {
  const { cert, key } = createClusterCa('localhost').issue([['CN', 'localhost']]);
  const server = createTls({ cert, key }, answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

/** Opens a unit's port: TLS with a client certificate, or plain HTTP. */
async function listen(
  answer: RequestListener,
  tls: boolean,
  host = '127.0.0.1',
): Promise<Server | TlsServer> {
  const server = tls
    ? createTls({ requestCert: true, rejectUnauthorized: false }, answer)
    : createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve);
  });
  return server;
}

const secureServer = (server: Server | TlsServer | undefined): TlsServer | undefined =>
  server && 'setSecureContext' in server ? server : undefined;

const portOf = (server: Server | TlsServer | undefined): number => {
  const address = server?.address();
  return typeof address === 'object' && address ? (address satisfies AddressInfo).port : 0;
};

const closed = async (server: Server | TlsServer): Promise<void> =>
  await new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => {
      resolve();
    });
  });

/** Installs a `systemctl` that connects to this process, which runs the units. */
async function listenControl(
  root: string,
  act: (verb: string, unit: string) => { code: number; out?: string; err?: string },
): Promise<Server> {
  const socketPath = join(root, 'run', 'units.sock');
  await mkdir(join(root, 'run'), { recursive: true });
  const control = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://units');
    const verb = url.searchParams.get('verb') ?? '';
    const units = url.searchParams.getAll('unit');
    const answers = (units.length > 0 ? units : ['']).map((unit) => act(verb, unit));
    // One paragraph per unit, like systemctl.
    const answer = {
      code: Math.max(0, ...answers.map(({ code }) => code)),
      out: answers.map(({ out = '' }) => out).join('\n'),
      err: answers.map(({ err = '' }) => err).join(''),
    };
    response.setHeader('connection', 'close').end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => {
    control.listen(socketPath, resolve);
  });
  const program = join(root, 'usr', 'bin', 'systemctl');
  await mkdir(join(root, 'usr', 'bin'), { recursive: true });
  await writeFile(
    program,
    `#!${process.execPath}
const { request } = require('node:http');
const [verb, ...rest] = process.argv.slice(2);
const units = rest.filter((word) => !word.startsWith('-')).map((word) => word.replace(/\\.service$/, ''));
const path = '/?' + new URLSearchParams([['verb', verb], ...units.map((unit) => ['unit', unit])]);
request({ socketPath: ${JSON.stringify(socketPath)}, path }, (response) => {
  let text = '';
  response.on('data', (chunk) => { text += chunk; });
  response.on('end', () => {
    const { code, out = '', err = '' } = JSON.parse(text);
    process.stdout.write(out);
    process.stderr.write(err);
    process.exitCode = code;
  });
}).end();
`,
  );
  await chmod(program, 0o755);
  return control;
}
