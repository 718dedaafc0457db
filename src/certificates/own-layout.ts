import * as v from 'valibot';
import { faultsOf } from './own-layout-faults.ts';
import { name, RoleRows } from './own-layout-rows.ts';

/** A role whose references and files are consistent. */
const Role = v.pipe(
  RoleRows,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const { path, message } of faultsOf(dataset.value)) {
      const [first, ...rest] = path.map((key): v.IssuePathItem => ({
        type: 'unknown',
        origin: 'value',
        input: undefined,
        key,
        value: undefined,
      }));
      addIssue(first ? { message, path: [first, ...rest] } : { message });
    }
  }),
);

/** An operator's layout in YAML (docs/examples/layouts.d); own-layout-table.ts converts it. */
export const OwnLayout = v.strictObject({
  name: v.pipe(name, v.notValue('auto', 'is reserved: it selects the layout automatically')),
  description: v.optional(v.string(), "an operator's layout"),
  evidence: v.optional(
    v.strictObject({
      files: v.optional(v.array(v.string()), []),
      params: v.optional(v.array(v.string()), []),
    }),
    {},
  ),
  limits: v.optional(v.array(v.string()), []),
  roles: v.pipe(
    v.strictObject({ node: v.optional(Role), master: v.optional(Role), worker: v.optional(Role) }),
    v.check(
      ({ node, master, worker }) =>
        node ? !master && !worker : master !== undefined && worker !== undefined,
      'must contain either node (for all roles), or master and worker',
    ),
  ),
});
export type OwnLayout = v.InferOutput<typeof OwnLayout>;
