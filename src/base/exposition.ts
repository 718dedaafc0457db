/** One value of a metric. The time of reading is the file's. */
export type Sample = { labels?: Readonly<Record<string, string>>; value: number };

/**
 * Formats a gauge in Prometheus' text format 0.0.4, with its help and type. Returns an empty text for a gauge without
 * values.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function formatGauge(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  // The format forbids duplicate series; the last one wins.
  const values = new Map(samples.map(({ labels = {}, value }) => [name + formatLabels(labels), value]));
  return [
    `# HELP ${name} ${help.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`)}`,
    `# TYPE ${name} gauge`,
    ...[...values].map(([series, value]) => `${series} ${formatNumber(value)}`),
    '',
  ].join('\n');
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const escapeLabel = (value: string): string =>
  value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);

/** Formats a number so that Go's ParseFloat reads it. */
const formatNumber = (value: number): string =>
  Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
