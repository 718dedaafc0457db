/** The parts of a picture. Coordinates are pixels from the top left corner. */

/** One line of a chart: moments and values; undefined where there is no sample. */
export type Line = { name: string; points: readonly { at: number; value: number | undefined }[] };

export type Box = { x: number; y: number; width: number; height: number };

/** `unit` as in Grafana: `s` for seconds, else a number. */
/** The axis of the time counts minutes from `begin`. */
export type Chart = {
  title: string;
  unit: string;
  begin: number;
  from: number;
  to: number;
  lines: readonly Line[];
};

export type Tile = { title: string; text: string; color: string };

export type Table = { title: string; head: readonly string[]; rows: readonly (readonly string[])[] };

/** They differ from each other, and from a white and from a black background. */
const COLORS = [
  '#3d85e0',
  '#e0702d',
  '#2f9e5b',
  '#c2489f',
  '#b08a00',
  '#7d70ee',
  '#0f9fa3',
  '#d8475a',
  '#8a929b',
  '#8fae2c',
  '#a0684a',
  '#e58ab8',
];

const STYLE = `text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #24292f }
.title { font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.big { font-size: 24px; font-weight: 600; fill: #fff }
.tile { font-size: 11px; fill: #fff }
.panel { fill: #fff; stroke: #d0d7de }
.grid { stroke: #d0d7de; stroke-width: 1 }
.line { fill: none; stroke-width: 1.8 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9da7b1 } .big, .tile { fill: #fff }
.panel { fill: #161b22; stroke: #30363d } .grid { stroke: #30363d }
}`;

/** Joins the parts to a picture. */
export const picture = (width: number, height: number, about: string, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(about)}</title>`,
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const text = (x: number, y: number, said: string, kind = '', anchor = 'start'): string =>
  `<text x="${round(x)}" y="${round(y)}"${kind && ` class="${kind}"`}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}>${escaped(said)}</text>`;

const round = (value: number): number => Math.round(value * 10) / 10;

const panel = ({ x, y, width, height }: Box, title: string): string =>
  `<rect class="panel" x="${x + 0.5}" y="${y + 0.5}" width="${width - 1}" height="${height - 1}" rx="4"/>${text(x + 12, y + 22, title, 'title')}`;

/** Draws one value on its color. */
export const drawTile = ({ x, y, width, height }: Box, { title, text: said, color }: Tile): string =>
  [
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="4" fill="${color}"/>`,
    text(x + width / 2, y + 34, said, 'big', 'middle'),
    ...inLines(title, width - 12).map((line, index) =>
      text(x + width / 2, y + 54 + index * 15, line, 'tile', 'middle'),
    ),
  ].join('\n');

/** Breaks a text into lines at its blanks. */
function inLines(said: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of said.split(' ')) {
    const longer = [...lines.slice(-1), word].join(' ');
    if (lines.length > 0 && longer.length * LETTER <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const LEFT = 58;
const LEGEND_ROW = 17;

/** Draws lines over time, with a legend below them. */
export function drawChart(box: Box, { title, unit, begin, from, to, lines }: Chart): string {
  const { x, y, width, height } = box;
  const legend = placeLegend(
    lines.map(({ name }) => name),
    width - 24,
  );
  const top = y + 36;
  const bottom = y + height - 30 - legend.rows * LEGEND_ROW;
  const left = x + LEFT;
  const right = x + width - 16;
  const values = lines.flatMap(({ points }) => points.flatMap(({ value }) => value ?? []));
  const scale = scaleOf(Math.min(0, ...values), Math.max(...values), unit);
  const across = (at: number): number => left + ((at - from) / (to - from)) * (right - left);
  const up = (value: number): number =>
    bottom - ((value - scale.least) / (scale.most - scale.least)) * (bottom - top);
  const [first, last] = [(from - begin) / 60, (to - begin) / 60];
  const every = last - first > 60 ? 20 : 10;
  const ticks = Array.from(
    { length: Math.floor((last - first) / every) + 1 },
    (_, index) => first + index * every,
  );
  return [
    panel(box, title),
    ...scale.ticks.map(
      (value) =>
        `<path class="grid" d="M${left} ${round(up(value))}H${right}"/>${text(left - 8, up(value) + 4, shown(value, unit), 'small', 'end')}`,
    ),
    ...ticks.map((minute) =>
      text(
        across(begin + minute * 60),
        bottom + 17,
        minute === 0 ? '0' : `${minute} min`,
        'small',
        minute === last ? 'end' : 'middle',
      ),
    ),
    ...lines.map(
      ({ points }, index) =>
        `<path class="line" stroke="${colorOf(index)}" d="${pathOf(points, across, up)}"/>`,
    ),
    ...legend.places.map(({ dx, row, name }, index) => {
      const at = bottom + 36 + row * LEGEND_ROW;
      return `<rect x="${round(x + 12 + dx)}" y="${round(at - 9)}" width="10" height="10" rx="2" fill="${colorOf(index)}"/>${text(x + 27 + dx, at, name, 'small')}`;
    }),
  ].join('\n');
}

const colorOf = (index: number): string => COLORS[index % COLORS.length] ?? '';

/** Draws steps: a sample holds until the next moment. A gap stays a gap. */
function pathOf(
  points: Line['points'],
  across: (at: number) => number,
  up: (value: number) => number,
): string {
  let path = '';
  let before: number | undefined;
  for (const [index, { at, value }] of points.entries()) {
    const height = value === undefined ? undefined : round(up(value));
    if (height !== undefined) {
      if (before === undefined) path += `M${round(across(at))} ${height}`;
      else if (height !== before) path += `V${height}`;
      path += `H${round(across(points[index + 1]?.at ?? at))}`;
    }
    before = height;
  }
  // Merges steps along one height.
  return path.replaceAll(/(?:H[\d.]+)+(H[\d.]+)/g, '$1');
}

/** About the width of a letter of the legend. */
const LETTER = 6.4;

function placeLegend(
  names: readonly string[],
  width: number,
): { rows: number; places: { dx: number; row: number; name: string }[] } {
  let [dx, row] = [0, 0];
  const places = names.map((name) => {
    const wide = 15 + name.length * LETTER + 14;
    if (dx > 0 && dx + wide > width) [dx, row] = [0, row + 1];
    const place = { dx, row, name };
    dx += wide;
    return place;
  });
  return { rows: row + 1, places };
}

/** Round steps, in the unit that is shown. */
function scaleOf(low: number, high: number, unit: string): { least: number; most: number; ticks: number[] } {
  const span = Math.max(high - low, unit === 's' ? 1 : 2);
  const steps =
    unit === 's'
      ? [1, 5, 15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400]
      : [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
  const step = steps.find((one) => span / one <= 5) ?? steps.at(-1) ?? 1;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
  return { least: first * step, most: last * step, ticks };
}

/** Formats a value as Grafana does: seconds in the largest unit that fits. */
export function shown(value: number, unit: string, decimals = 0): string {
  if (unit !== 's') return value.toFixed(decimals);
  const size = Math.abs(value);
  if (size >= 86_400) return `${trimmed(value / 86_400)} d`;
  if (size >= 3600) return `${trimmed(value / 3600)} h`;
  if (size >= 60) return `${trimmed(value / 60)} min`;
  return size === 0 || size >= 1 ? `${trimmed(value)} s` : `${(value * 1000).toFixed(0)} ms`;
}

const trimmed = (value: number): string => String(Math.round(value * 10) / 10);

const ROW = 20;

/** Draws rows of text, the last column to the right; as many as there is room for. */
export function drawTable(box: Box, { title, head, rows }: Table): string {
  const { x, y, width, height } = box;
  const shownRows = rows.slice(0, Math.floor((height - 60) / ROW));
  const column = (width - 24) / head.length;
  const line = (cells: readonly string[], at: number, kind: string): string =>
    cells
      .map((cell, index) =>
        index === cells.length - 1
          ? text(x + width - 14, at, cell, kind, 'end')
          : text(x + 12 + index * column, at, cell, kind),
      )
      .join('');
  return [
    panel(box, title),
    line(head, y + 44, 'small'),
    `<path class="grid" d="M${x + 12} ${y + 51}H${x + width - 14}"/>`,
    ...shownRows.map((cells, index) => line(cells, y + 68 + index * ROW, '')),
  ].join('\n');
}
