export type Series = { name: string; labels: Record<string, string>; value: number };

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const HELP = new RegExp(`^# HELP (${NAME}) (.*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`);
const SAMPLE = new RegExp(String.raw`^(${NAME})(?:\{(.*)\})? (\S+)$`, 's');
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/y;

/**
 * Parses Prometheus' text format 0.0.4 strictly: HELP and TYPE before the samples of a metric, all lines of a metric
 * together, no series twice, a line feed after the last line.
 */
export function parsePrometheus(text: string): Series[] {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no line feed');
  const lines = text.split('\n').slice(0, -1);
  const series: Series[] = [];
  const begun = new Set<string>();
  const seen = new Set<string>();
  let current: { name: string; typed: boolean } | undefined;
  for (const line of lines) {
    const [, helped] = HELP.exec(line) ?? [];
    if (helped !== undefined) {
      if (begun.has(helped)) throw new Error(`${helped} begins twice`);
      begun.add(helped);
      current = { name: helped, typed: false };
      continue;
    }
    const [, typed] = TYPE.exec(line) ?? [];
    if (typed !== undefined) {
      if (current?.name !== typed || current.typed) throw new Error(`a type out of place: ${line}`);
      current.typed = true;
      continue;
    }
    const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    if (name === undefined) throw new Error(`no line of the format: ${line}`);
    if (current?.name !== name || !current.typed) throw new Error(`a sample out of place: ${line}`);
    const one = { name, labels: parseLabels(labels), value: Number(value.replace('Inf', 'Infinity')) };
    const key = JSON.stringify([name, Object.entries(one.labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
    if (seen.has(key)) throw new Error(`a series twice: ${line}`);
    seen.add(key);
    series.push(one);
  }
  return series;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no labels: ${text}`);
    if (name in labels) throw new Error(`a label twice: ${text}`);
    labels[name] = value.replaceAll(/\\(.)/gs, (_, letter: string) => (letter === 'n' ? '\n' : letter));
  }
  return labels;
}
