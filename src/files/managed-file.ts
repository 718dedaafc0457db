/** A file to be written by a rotation. Owner and mode apply to a new file; a replaced file keeps its own. */
export type ManagedFile = {
  path: string;
  content: string | Uint8Array;
  /** The file from which the content was derived (Snapshot.id). If another file is in its place, it is not replaced. */
  madeFrom?: string | undefined;
  owner: string;
  group: string;
  mode: number;
  directoryMode: number;
};
