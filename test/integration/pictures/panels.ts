import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { type Box, type Line, drawChart, drawTable, drawTile, shown } from './svg.ts';

/** The panels of docs/grafana, filled by a Prometheus. */

const Step = v.object({ color: v.string(), value: v.nullish(v.number()) });
const Panel = v.object({
  type: v.picklist(['stat', 'timeseries', 'table']),
  title: v.string(),
  targets: v.array(v.object({ expr: v.string(), legendFormat: v.optional(v.string(), '') })),
  fieldConfig: v.object({
    defaults: v.object({
      unit: v.string(),
      decimals: v.optional(v.number()),
      thresholds: v.object({ steps: v.array(Step) }),
    }),
  }),
});
export type Panel = v.InferOutput<typeof Panel>;
const Dashboard = v.object({ panels: v.array(Panel) });

const Labels = v.record(v.string(), v.string());
const Value = v.tuple([v.number(), v.string()]);
const Answer = v.object({
  status: v.literal('success'),
  data: v.object({
    result: v.array(
      v.object({ metric: Labels, value: v.optional(Value), values: v.optional(v.array(Value), []) }),
    ),
  }),
});
type Series = v.InferOutput<typeof Answer>['data']['result'][number];

/**
 * Where a panel's data come from: a Prometheus, and the moments that are shown, in seconds since the epoch. The axis
 * counts from `begin`.
 */
export type Source = { url: string; begin: number; from: number; to: number; every: number };

/** Reads the panels of a dashboard, by title. */
export async function readPanels(path: string): Promise<Map<string, Panel>> {
  const { panels } = v.parse(v.pipe(v.string(), v.parseJson(), Dashboard), await readFile(path, 'utf8'));
  return new Map(panels.map((panel) => [panel.title, panel]));
}

/** Asks Prometheus, and draws the panel. @returns also whether there was data */
export async function drawPanel(
  box: Box,
  panel: Panel,
  source: Source,
): Promise<{ drawn: string; isEmpty: boolean }> {
  const { unit, decimals, thresholds } = panel.fieldConfig.defaults;
  if (panel.type === 'timeseries') {
    const lines = await linesOf(panel, source);
    const isEmpty = !lines.some(({ points }) => points.some(({ value }) => value !== undefined));
    return { drawn: drawChart(box, { title: panel.title, unit, lines, ...source }), isEmpty };
  }
  const [first] = panel.targets;
  const series = await ask(source, 'query', { query: filled(first?.expr ?? ''), time: String(source.to) });
  const isEmpty = series.length === 0;
  if (panel.type === 'stat') {
    const value = Number(series[0]?.value?.[1] ?? NaN);
    const step = thresholds.steps.findLast(({ value: from }) => value >= (from ?? -Infinity));
    const text = shown(value, unit, decimals);
    const color = BACKGROUNDS[step?.color ?? ''] ?? '#6e7781';
    return { drawn: drawTile(box, { title: panel.title, text, color }), isEmpty };
  }
  const names = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].toSorted().toReversed();
  const rows = series.map(({ metric, value }) => [
    ...names.map((name) => metric[name] ?? ''),
    shown(Number(value?.[1]), unit),
  ]);
  return { drawn: drawTable(box, { title: panel.title, head: [...names, 'value'], rows }), isEmpty };
}

/** White text is readable on each. */
const BACKGROUNDS: Readonly<Record<string, string>> = {
  green: '#2c7a4b',
  orange: '#b3591a',
  red: '#b3303c',
};

async function linesOf({ targets }: Panel, source: Source): Promise<Line[]> {
  const { from, to, every } = source;
  const moments = Array.from(
    { length: Math.floor((to - from) / every) + 1 },
    (_, index) => from + index * every,
  );
  const range = { start: String(from), end: String(to), step: String(every) };
  const lines: Line[] = [];
  for (const { expr, legendFormat } of targets)
    for (const { metric, values } of await ask(source, 'query_range', { query: filled(expr), ...range })) {
      const found = new Map(values.map(([at, value]) => [at, Number(value)]));
      lines.push({
        name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
        points: moments.map((at) => ({ at, value: found.get(at) })),
      });
    }
  return lines;
}

/** Fills in the variable as Grafana substitutes the choice "All". */
const filled = (expr: string): string => expr.replaceAll('$instance"', '.*"');

async function ask({ url }: Source, path: string, parameters: Record<string, string>): Promise<Series[]> {
  const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
  return v.parse(v.pipe(v.string(), v.parseJson(), Answer), await answer.text()).data.result;
}
