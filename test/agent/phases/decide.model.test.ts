import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  crash,
  createWorld,
  deleteNode,
  HOUR,
  isDone,
  join,
  look,
  MINUTE,
  pass,
  WITHIN_MS,
  type World,
} from './model.ts';

/** Model test of automatic rotations: arbitrary events on clusters. */

type Event =
  | { do: 'look' | 'kill' | 'off' | 'on' | 'break agent' | 'mend agent'; at: number }
  | { do: 'time'; minutes: number }
  | { do: 'rotate' | 'join' }
  | { do: 'the API sees'; at: number }
  | { do: 'forge readiness' | 'forge a deletion' | 'forge a lease'; at: number }
  | { do: 'forge a node'; at: number };

const at = fc.nat({ max: 11 });
const of = (name: 'look' | 'kill' | 'off' | 'on' | 'break agent' | 'mend agent' | 'the API sees') =>
  at.map((index): Event => ({ do: name, at: index }));

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 30, arbitrary: of('look') },
  { weight: 3, arbitrary: of('kill') },
  { weight: 2, arbitrary: of('off') },
  { weight: 4, arbitrary: of('on') },
  { weight: 1, arbitrary: of('break agent') },
  { weight: 2, arbitrary: of('mend agent') },
  { weight: 4, arbitrary: of('the API sees') },
  { weight: 6, arbitrary: fc.nat({ max: 900 }).map((minutes): Event => ({ do: 'time', minutes })) },
  { weight: 2, arbitrary: fc.constant<Event>({ do: 'rotate' }) },
  { weight: 1, arbitrary: fc.constant<Event>({ do: 'join' }) },
);

const forgery: fc.Arbitrary<Event> = fc.oneof(
  at.map((index): Event => ({ do: 'forge readiness', at: index })),
  at.map((index): Event => ({ do: 'forge a deletion', at: index })),
  at.map((index): Event => ({ do: 'forge a node', at: index })),
);
const leaseForgery: fc.Arbitrary<Event> = at.map((index): Event => ({ do: 'forge a lease', at: index }));

/** A seed that decides which of its two states a node in the middle of a step shows. */
const coins = fc.nat();

/** xorshift32 */
function coinOf(seed: number): () => boolean {
  let state = seed + 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state & 1) === 1;
  };
}

function apply(event: Event, world: World, coin: () => boolean): void {
  const node = 'at' in event ? world.nodes[event.at % world.nodes.length] : undefined;
  switch (event.do) {
    case 'time':
      pass(world, event.minutes * MINUTE);
      break;
    case 'rotate':
      world.served += 1;
      break;
    case 'join':
      join(world, `worker-new-${world.nodes.length}`);
      break;
    case 'forge a node':
      world.api.set(`ghost-${event.at}`, { isReady: true, isStepping: false });
      break;
    case 'look':
    case 'kill':
    case 'off':
    case 'on':
    case 'break agent':
    case 'mend agent':
    case 'the API sees':
    case 'forge readiness':
    case 'forge a deletion':
    case 'forge a lease':
      if (node) happenTo(node, event.do, world, coin);
  }
}

function happenTo(
  node: World['nodes'][number],
  what: Extract<Event, { at: number }>['do'],
  world: World,
  coin: () => boolean,
): void {
  switch (what) {
    case 'look':
      look(world, node, coin);
      break;
    case 'kill':
      crash(node);
      break;
    case 'off':
      crash(node);
      node.isUp = false;
      break;
    case 'on':
      node.isUp = true;
      break;
    case 'break agent':
      crash(node);
      node.hasAgent = false;
      break;
    case 'mend agent':
      node.hasAgent = true;
      break;
    case 'the API sees':
      world.api.set(node.name, { isReady: node.isUp, isStepping: node.stepping !== undefined });
      break;
    case 'forge readiness':
      world.api.set(node.name, { isReady: coin(), isStepping: node.stepping !== undefined || coin() });
      break;
    case 'forge a deletion':
      deleteNode(world, node);
      break;
    case 'forge a lease':
      world.isLeaseForged = true;
      world.lease = { holder: node.name, version: world.lease.version + 1 };
      break;
    case 'forge a node':
      break;
  }
}

const size = fc.record({ masters: fc.integer({ min: 1, max: 5 }), workers: fc.nat({ max: 5 }) });

/** Lets agents look until every node has only the served CA; nodes stay up, and no one rotates. */
function settle(world: World, coin: () => boolean, more: (world: World) => void = () => undefined): number {
  const began = world.now;
  const left = () => world.nodes.filter((node) => node.isUp && node.hasAgent && !isDone(node, world));
  while (left().length > 0 && world.now < began + 10 * WITHIN_MS) {
    pass(world, 5 * MINUTE);
    more(world);
    for (const node of world.nodes) look(world, node, coin);
  }
  return left().length > 0 ? Infinity : world.now - began;
}

test('cuts off no peer before its time, and restarts no two masters at once', () => {
  fc.assert(
    fc.property(
      size,
      fc.array(fc.oneof({ weight: 8, arbitrary: event }, { weight: 1, arbitrary: forgery }), {
        maxLength: 150,
        size: 'max',
      }),
      coins,
      ({ masters, workers }, events, seed) => {
        const world = createWorld(masters, workers);
        Object.assign(world, { served: 2, losesWrites: seed % 2 === 0 });
        const coin = coinOf(seed);
        for (const one of events) apply(one, world, coin);
        expect(world.faults).toEqual([]);
      },
    ),
    { numRuns: 3000 },
  );
});

test('cuts off no peer through a forged lease', () => {
  fc.assert(
    fc.property(
      size,
      fc.array(fc.oneof({ weight: 8, arbitrary: event }, { weight: 2, arbitrary: leaseForgery }), {
        maxLength: 100,
        size: 'max',
      }),
      coins,
      ({ masters, workers }, events, seed) => {
        const world = createWorld(masters, workers);
        Object.assign(world, { served: 2, losesWrites: seed % 2 === 0 });
        const coin = coinOf(seed);
        for (const one of events) apply(one, world, coin);
        expect(world.faults).toEqual([]);
      },
    ),
    { numRuns: 500 },
  );
});

/** Starts every node; a minority of masters and any workers get an agent that does nothing. */
function mend(world: World, broken: number): void {
  const masters = world.nodes.filter(({ isMaster }) => isMaster);
  for (const node of world.nodes) Object.assign(node, { isUp: true, hasAgent: true });
  const idle = [
    ...masters.slice(0, Math.min(broken, Math.floor((masters.length - 1) / 2))),
    ...world.nodes.filter(({ isMaster }) => !isMaster).slice(0, broken),
  ];
  for (const node of idle.filter(({ stepping }) => !stepping)) node.hasAgent = false;
}

test('ends within retire_within after any events, with broken nodes and forged records', () => {
  fc.assert(
    fc.property(
      size,
      fc.array(fc.oneof({ weight: 8, arbitrary: event }, { weight: 1, arbitrary: forgery }), {
        maxLength: 100,
        size: 'max',
      }),
      fc.nat({ max: 2 }),
      fc.boolean(),
      coins,
      ({ masters, workers }, events, broken, forges, seed) => {
        const world = createWorld(masters, workers);
        Object.assign(world, { served: 2, losesWrites: seed % 2 === 0 });
        const coin = coinOf(seed);
        for (const one of events) apply(one, world, coin);
        mend(world, broken);
        const forge = (now: World): void => {
          now.api.set('ghost', { isReady: true, isStepping: false });
          for (const node of now.nodes) if (coin()) deleteNode(now, node);
        };
        // Each master waits for every other that is forged to be in the middle of a step.
        const slack = (2 * masters + 2) * HOUR;
        expect(settle(world, coin, forges ? forge : undefined)).toBeLessThan(WITHIN_MS + slack);
        expect(world.faults).toEqual([]);
      },
    ),
    { numRuns: 250 },
  );
});

test('ends long before retire_within with every node up, and cuts off no node', () => {
  fc.assert(
    fc.property(size, coins, ({ masters, workers }, seed) => {
      const world = createWorld(masters, workers);
      world.served = 2;
      expect(settle(world, coinOf(seed))).toBeLessThan(4 * HOUR);
      expect(world.faults).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('ends as soon with workers that join at any moment, which cut off no node and are not cut off', () => {
  fc.assert(
    fc.property(
      size,
      fc.array(fc.nat({ max: 6 * 12 }), { minLength: 1, maxLength: 3 }),
      coins,
      ({ masters, workers }, joins, seed) => {
        const world = createWorld(masters, workers);
        world.served = 2;
        let looks = 0;
        const joined = (now: World): void => {
          for (const [index, at] of joins.entries()) if (at === looks) join(now, `worker-new-${index}`);
          looks += 1;
        };
        expect(settle(world, coinOf(seed), joined)).toBeLessThan(4 * HOUR);
        expect(world.nodes.filter((node) => !isDone(node, world))).toEqual([]);
        expect(world.faults).toEqual([]);
        expect([...world.cutOff]).toEqual([]);
      },
    ),
    { numRuns: 300 },
  );
});

test('cuts off only nodes that never follow, although nodes learn about a rotation at different times', () => {
  fc.assert(
    fc.property(
      size,
      fc.array(fc.nat({ max: 8 * 60 }), { minLength: 10, maxLength: 10 }),
      fc.integer({ min: 1, max: 2 }),
      coins,
      ({ masters, workers }, delays, broken, seed) => {
        const world = createWorld(masters, workers);
        const coin = coinOf(seed);
        mend(world, broken);
        const idle = world.nodes.filter(({ hasAgent }) => !hasAgent);
        const learns = new Map(world.nodes.map((node, index) => [node, (delays[index] ?? 0) * MINUTE]));
        world.served = 2;
        const began = world.now;
        while (world.now < began + WITHIN_MS + 12 * HOUR) {
          pass(world, 5 * MINUTE);
          for (const [node, delayMs] of learns) if (world.now >= began + delayMs) look(world, node, coin);
        }
        expect(world.nodes.filter((node) => !isDone(node, world))).toEqual(idle);
        expect([...world.cutOff].filter((name) => !idle.some((node) => node.name === name))).toEqual([]);
        expect(world.faults).toEqual([]);
      },
    ),
    { numRuns: 150 },
  );
});

test('ends soon after the return of a node that was off', () => {
  fc.assert(
    fc.property(size, at, fc.nat({ max: 3 }), coins, ({ masters, workers }, index, rotations, seed) => {
      const world = createWorld(masters, workers);
      const coin = coinOf(seed);
      const late = world.nodes[index % world.nodes.length];
      if (!late || masters < 3) return;
      late.isUp = false;
      world.api.set(late.name, { isReady: false, isStepping: false });
      for (let count = 0; count <= rotations; count += 1) {
        world.served += 1;
        expect(settle(world, coin)).toBeLessThan(4 * HOUR);
      }
      late.isUp = true;
      expect(settle(world, coin)).toBeLessThan(HOUR);
      expect(world.faults).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
