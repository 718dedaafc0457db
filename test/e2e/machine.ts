import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** A machine with a real systemd, which `scripts/machine` boots. */
export type Machine = {
  /** Its file system. */
  readonly root: string;
  /** Programs that reach its systemd from outside. */
  readonly systemctl: string;
  readonly journalctl: string;
  /** Runs a command in it as its root and gives what it prints. */
  run(...command: string[]): Promise<string>;
  write(path: string, content: string, mode?: string): Promise<void>;
  /** Writes a unit; systemd knows it afterwards. */
  unit(name: string, sections: UnitSections): Promise<void>;
  /** Powers it off and boots it again. */
  reboot(): Promise<void>;
  /** Takes its power away: everything in it ends at once and unasked. Then it boots again. */
  powerCut(): Promise<void>;
  close(): Promise<void>;
};

/** Words of a unit file, each a line of its section. */
export type UnitSections = {
  Unit?: readonly string[];
  Service: readonly string[];
  Install?: readonly string[];
};

const SCRIPT = join(import.meta.dirname, '../../scripts/machine');

/** What to put before a program that has to be root. */
export const asRoot: readonly string[] = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/**
 * Installs what is missing and boots a machine of its own.
 *
 * @param options of `scripts/machine up`
 */
export async function startMachine(...options: readonly string[]): Promise<Machine> {
  const state = await mkdtemp(join(tmpdir(), 'coe-machine-'));
  const close = async (): Promise<void> => {
    await execa(SCRIPT, ['down', '--state', state, '--purge']);
    await rm(state, { recursive: true, force: true });
  };
  // Tests that are broken off close nothing.
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

/** The text of a unit file. */
export const unitFile = ({ Unit, Service, Install }: UnitSections): string =>
  Object.entries({ Unit: Unit ?? [], Service, Install: Install ?? [] })
    .map(([section, lines]) => [`[${section}]`, ...lines, ''].join('\n'))
    .join('\n');
