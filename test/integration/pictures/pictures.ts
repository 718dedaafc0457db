import { drawPanel, type Panel, type Source } from './panels.ts';
import { picture } from './svg.ts';

/** A picture of some panels of the dashboard: a row of tiles, then two charts or tables a row. */
export type Picture = {
  file: string;
  about: string;
  /** In minutes of the recording. */
  from: number;
  to: number;
  tiles: readonly string[];
  charts: readonly string[];
};

export const PICTURES: readonly Picture[] = [
  {
    file: 'fleet.svg',
    about: 'Panels of the dashboard: the fleet during 80 minutes with a rotation',
    from: 0,
    to: 80,
    tiles: [
      'Nodes',
      'CAs in use',
      'Days to the first expiry',
      'Longest time since a complete pass',
      'Unacknowledged results',
      'Stuck nodes',
    ],
    charts: [
      'Time since the last complete pass',
      'Time since the trust last logged in',
      'Deployments by outcome',
      'Age of the oldest unacknowledged result',
    ],
  },
  {
    file: 'rotation.svg',
    about: 'Panels of the dashboard: a rotation that waits for one node',
    from: 10,
    to: 50,
    tiles: [],
    charts: [
      'Nodes by phase of a CA rotation',
      'Nodes by the CA that they trust',
      'Nodes that wait with a rotation, by reason',
      'Time in a phase, and of a wait',
      'Time since the old CA ended',
      'Duration of the last rotation, by step',
    ],
  },
];

const WIDTH = 980;
const GAP = 10;
const TILE = 82;
const CHART = 250;

/** Draws a picture. @param begin of the recording, in seconds since the epoch @returns it, and the titles of panels without data */
export async function draw(
  { about, from, to, tiles, charts }: Picture,
  panels: ReadonlyMap<string, Panel>,
  { url, begin }: { url: string; begin: number },
): Promise<{ svg: string; empty: string[] }> {
  const source: Source = { url, begin, from: begin + from * 60, to: begin + to * 60, every: 30 };
  const parts: string[] = [];
  const empty: string[] = [];
  const add = async (title: string, x: number, y: number, width: number, height: number): Promise<void> => {
    const panel = panels.get(title);
    if (!panel) throw new Error(`the dashboard has no panel "${title}"`);
    const { drawn, isEmpty } = await drawPanel({ x, y, width, height }, panel, source);
    parts.push(drawn);
    if (isEmpty) empty.push(title);
  };
  const tile = (WIDTH - GAP * (tiles.length - 1)) / tiles.length;
  for (const [index, title] of tiles.entries()) await add(title, index * (tile + GAP), 0, tile, TILE);
  const top = tiles.length > 0 ? TILE + GAP : 0;
  const half = (WIDTH - GAP) / 2;
  for (const [index, title] of charts.entries())
    await add(title, (index % 2) * (half + GAP), top + Math.floor(index / 2) * (CHART + GAP), half, CHART);
  const height = top + Math.ceil(charts.length / 2) * (CHART + GAP) - GAP;
  return { svg: picture(WIDTH, height, about, parts), empty };
}
