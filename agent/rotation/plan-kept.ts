import type { RoleLayout, FileRow } from '../../src/certificates/layout.ts';
import type { KeptGeneration } from '../../src/files/kept.ts';
import type { Node } from '../node.ts';
import type { KeptPlan } from '../plan/plan.ts';
import type { UnitPlan } from '../../src/services/unit.ts';

/** Plans to restore the files of a kept generation, and to restart and prove all units with them. */
export function planKept(
  { files: kept, at }: KeptGeneration,
  { layout }: Pick<Node, 'layout'>,
  units: readonly UnitPlan[],
): KeptPlan {
  const rows = rowsOf(layout);
  const files = kept.map(({ path, content, mode }) => ({
    ...OF_ROOT,
    mode,
    ...rows.get(path),
    path,
    content,
  }));
  const said = [`the files from before ${new Date(at).toISOString()} are restored and in use`];
  return {
    kind: 'kept',
    check: { do: 'check', paths: files.map(({ path }) => path), units },
    stage: { do: 'stage-files', files, units, lists: [], said },
  };
}

/** Owner of a copy that was removed meanwhile. An existing file keeps its owner. */
const OF_ROOT = { owner: 'root', group: 'root', directoryMode: 0o755 };

const rowsOf = (layout: RoleLayout): Map<string, FileRow> =>
  new Map(
    [
      ...layout.authorities.map(({ file }) => file),
      ...layout.certificates.flatMap(({ files }) => (files ? [files.key, files.certificate] : [])),
      ...layout.kubeconfigs.map(({ file }) => file),
    ].map((file) => [file.path, file]),
  );
