import { type Disk, readIfThere } from '../base/disk.ts';

export type Owner = { uid: number; gid: number };
/** Looks up a user and a group by name on this node; root for an unknown name. */
export type FindOwner = (user: string, group: string) => Owner;

/** Reads the node's own passwd and group files: the node below `--root` has other users than this machine. */
export async function readOwners(
  disk: Disk,
  onUnknown: (kind: string, name: string) => void,
): Promise<FindOwner> {
  const users = idsOf(await readIfThere(disk, '/etc/passwd'));
  const groups = idsOf(await readIfThere(disk, '/etc/group'));
  const told = new Set(['user root', 'group root']);
  const find = (ids: Map<string, number>, kind: string, name: string): number => {
    const id = ids.get(name);
    if (id === undefined && !told.has(`${kind} ${name}`)) onUnknown(kind, name);
    told.add(`${kind} ${name}`);
    return id ?? 0;
  };
  return (user, group) => ({ uid: find(users, 'user', user), gid: find(groups, 'group', group) });
}

/** Parses `name:x:id:...` lines; both files have this format. */
function idsOf(content: Buffer | undefined): Map<string, number> {
  const ids = new Map<string, number>();
  for (const line of content?.toString('utf8').split('\n') ?? []) {
    const [name, , id] = line.split(':');
    if (name && id && /^\d+$/.test(id)) ids.set(name, Number(id));
  }
  return ids;
}
