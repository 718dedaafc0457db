import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A machine with a real systemd, booted by `scripts/machine`. */
export type Machine = {
  /** Its file system. */
  readonly root: string;
  /** A program that reaches its systemd from outside. */
  readonly systemctl: string;
  readonly journalctl: string;
  /** Runs a command in it as root, and returns its output. */
  run(...command: string[]): Promise<string>;
  write(path: string, content: string, mode?: string): Promise<void>;
  /** Writes a unit and reloads systemd. */
  unit(name: string, sections: UnitSections): Promise<void>;
  /** Powers it off and boots it again. */
  reboot(): Promise<void>;
  /** Kills everything in it at once, like a power failure, and boots it again. */
  powerCut(): Promise<void>;
  close(): Promise<void>;
};

/** Lines of a unit file, by section. */
export type UnitSections = {
  Unit?: readonly string[];
  Service: readonly string[];
  Install?: readonly string[];
};

const SCRIPT = join(import.meta.dirname, '../../scripts/machine');

/** Prefix of a command that needs root. */
export const asRoot: readonly string[] = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/**
 * Installs missing packages and boots a machine of its own.
 *
 * @param options of `scripts/machine up`
 */
export async function startMachine(...options: readonly string[]): Promise<Machine> {
  const state = await mkdtemp(join(tmpdir(), 'coe-machine-'));
  const close = async (): Promise<void> => {
    await execa(SCRIPT, ['down', '--state', state, '--purge']);
    await rm(state, { recursive: true, force: true });
  };
  // Aborted tests close nothing.
  const up = async (...more: readonly string[]): Promise<void> => {
    await execa(SCRIPT, ['up', '--state', state, '--for', String(process.pid), ...more]);
  };
  const down = async (...more: readonly string[]): Promise<void> => {
    await execa(SCRIPT, ['down', '--state', state, ...more]);
  };
  try {
    await execa(SCRIPT, ['install']);
    await up(...options);
  } catch (error) {
    await close();
    throw error;
  }
  const root = join(state, 'root');
  const inside = async (command: string[], input = ''): Promise<string> =>
    (await execa(SCRIPT, ['run', '--state', state, '--', ...command], { input })).stdout;
  const write = async (path: string, content: string, mode = '0644'): Promise<void> => {
    const script = 'mkdir -p "${1%/*}" && cat >"$1" && chmod "$2" "$1"';
    await inside(['sh', '-c', script, 'sh', path, mode], content);
  };
  return {
    root,
    systemctl: join(root, 'usr/bin/systemctl'),
    journalctl: join(root, 'usr/bin/journalctl'),
    run: async (...command) => await inside(command),
    write,
    unit: async (name, sections) => {
      await write(`/etc/systemd/system/${name}.service`, unitFile(sections));
      await inside(['systemctl', 'daemon-reload']);
    },
    reboot: async () => {
      await down();
      await up();
    },
    powerCut: async () => {
      await down('--hard');
      await up();
    },
    close,
  };
}

/** Formats a unit file. */
export const unitFile = ({ Unit, Service, Install }: UnitSections): string =>
  Object.entries({ Unit: Unit ?? [], Service, Install: Install ?? [] })
    .map(([section, lines]) => [`[${section}]`, ...lines, ''].join('\n'))
    .join('\n');
