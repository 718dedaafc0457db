import * as v from 'valibot';
import type { Instrument } from '../../../agent/compose.ts';
import { cli } from './cli.ts';
import type { Site } from './site.ts';

const Findings = v.object({
  findings: v.array(
    v.object({
      id: v.string(),
      verdict: v.picklist(['good', 'warning', 'bad']),
      of: v.optional(v.string()),
      reason: v.optional(v.string()),
      what: v.string(),
      url: v.optional(v.string()),
      login: v.optional(v.string()),
      next: v.optional(v.string()),
    }),
  ),
  nextSteps: v.array(v.object({ command: v.string(), findings: v.array(v.string()) })),
});
export type Found = v.InferOutput<typeof Findings>['findings'][number];

/** Runs `agent doctor`, and returns its findings and exit code. */
export async function examine(
  site: Site,
  instrument?: Instrument,
): Promise<{ code: number } & v.InferOutput<typeof Findings>> {
  const { code, stdout, stderr } = await cli(site, ['doctor', '--json'], instrument);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Findings), stdout);
  if (!parsed.success) throw new Error(`no findings: ${stdout}${stderr}`);
  return { code, ...parsed.output };
}

/** Returns the bad findings, each with its id and next command. */
export const badIn = async (site: Site): Promise<(readonly [string, string | undefined])[]> =>
  (await examine(site)).findings
    .filter(({ verdict }) => verdict === 'bad')
    .map(({ id, next }) => [id, next] as const);
