/** A file as a rotation wants it. Owner and mode are for a new one; one that is replaced keeps its own. */
export type ManagedFile = {
  path: string;
  content: string | Uint8Array;
  /** The file that the content was made from (Snapshot.id): no other one in its place is replaced. */
  madeFrom?: string | undefined;
  owner: string;
  group: string;
  mode: number;
  directoryMode: number;
};
