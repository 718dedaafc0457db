import { readFile } from 'node:fs/promises';

/** Tables of this network namespace (proc(5)): TCP over IPv4, and over IPv6. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const ESTABLISHED = '01';

/** Counts the open connections of clients to a TCP port of this machine. */
export async function heldConnections(port: number): Promise<number> {
  const tables = await Promise.all(TABLES.map(async (path) => await readFile(path, 'utf8').catch(absent)));
  return countHeld(tables.join(''), port);
}

/** A machine without IPv6 has one table. */
const absent = (): string => '';

/** Counts the lines with this local port and the state ESTABLISHED. */
export const countHeld = (table: string, port: number): number =>
  table.split('\n').filter((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === ESTABLISHED && Number.parseInt(local.split(':')[1] ?? '', 16) === port;
  }).length;
