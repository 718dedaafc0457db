import { type Course, decide, type Decision, type Peer, type View } from '../../../agent/phases/decide.ts';
import { type OtherMaster, turnOf } from '../../../agent/phases/turn.ts';

/** Models a cluster for the phases of a rotation. CAs are numbers; Magnum signs with the highest. */

export const MINUTE = 60_000;
export const HOUR = 3_600_000;
export const WITHIN_MS = 24 * HOUR;

type State = { trusts: readonly number[]; leaf: number };
type Step = {
  after: State;
  /** Its Node announces the step. */
  isTold: boolean;
  /** The units are being restarted; false: the step was interrupted. */
  isActive: boolean;
};

export type SimNode = State & {
  name: string;
  isMaster: boolean;
  isUp: boolean;
  /** Its agent works; a broken one leaves the node unchanged. */
  hasAgent: boolean;
  /** Files are being replaced and units restarted: each port may show the state before or after. */
  stepping: Step | undefined;
  /** Root's files on this node. */
  course: (Course & { ca: number }) | undefined;
  known: Set<string>;
  /** The agent's memory. */
  memory: { lease: string; leaseSince: number; waitedMs: number; lookedAt: number };
};

export type World = {
  now: number;
  served: number;
  nodes: SimNode[];
  /** The Kubernetes API's records: a former administrator may write anything here. */
  api: Map<string, { isReady: boolean; isStepping: boolean }>;
  lease: { holder: string; version: number };
  isLeaseForged: boolean;
  /** Writes to the API, or their answers, get lost. */
  losesWrites: boolean;
  faults: string[];
  /** Names of nodes that were cut off at their deadline. */
  cutOff: Set<string>;
};

export const createWorld = (masters: number, workers: number): World => {
  const names = [
    ...Array.from({ length: masters }, (_, index) => `master-${index}`),
    ...Array.from({ length: workers }, (_, index) => `worker-${index}`),
  ];
  return {
    now: 1_000_000,
    served: 1,
    nodes: names.map((name) => ({ ...newNode(name, 1), known: new Set(names) })),
    api: new Map(names.map((name) => [name, { isReady: true, isStepping: false }])),
    lease: { holder: '', version: 0 },
    isLeaseForged: false,
    losesWrites: false,
    faults: [],
    cutOff: new Set(),
  };
};

const newNode = (name: string, ca: number): SimNode => ({
  name,
  isMaster: name.startsWith('master'),
  isUp: true,
  hasAgent: true,
  trusts: [ca],
  leaf: ca,
  stepping: undefined,
  course: undefined,
  known: new Set(),
  memory: newMemory(),
});

const newMemory = (): SimNode['memory'] => ({ lease: '', leaseSince: 0, waitedMs: 0, lookedAt: Infinity });

/** Adds a node that Magnum has just made: it has only the current CA, and knows the masters from its heat-params. */
export function join({ nodes, api, served }: World, name: string): void {
  if (nodes.some((node) => node.name === name)) return;
  const masters = nodes.filter(({ isMaster }) => isMaster).map((node) => node.name);
  nodes.push({ ...newNode(name, served), known: new Set(masters) });
  api.set(name, { isReady: true, isStepping: false });
}

/** Masters connect to all nodes; workers connect only to masters. */
const arePeers = (one: SimNode, other: SimNode): boolean => one !== other && (one.isMaster || other.isMaster);

const statesOf = ({ trusts, leaf, stepping }: SimNode): State[] => [
  { trusts, leaf },
  ...(stepping ? [stepping.after] : []),
];

/** Whether `one` accepts what `other` presents, in any of the states that their ports may show. */
const acceptsAlways = (one: SimNode, other: SimNode): boolean =>
  statesOf(one).every(({ trusts }) => statesOf(other).every(({ leaf }) => trusts.includes(leaf)));
const accepts = ({ trusts }: State, { leaf }: State): boolean => trusts.includes(leaf);

const isApiUp = ({ nodes }: World): boolean => nodes.some(({ isMaster, isUp }) => isMaster && isUp);

/** @param coin which of its two states a node in the middle of a step shows */
function viewOf(world: World, node: SimNode, coin: () => boolean): View {
  const { served, api, nodes, now } = world;
  const shown = (other: SimNode): State => (other.stepping && coin() ? other.stepping.after : other);
  // Any API server that accepts the node.
  const servers = nodes.filter((other) => other.isMaster && other.isUp);
  const letIn = servers.some((server) => accepts(server, node) && accepts(node, server));
  const listed = letIn ? [...api.keys()] : [];
  for (const name of listed) node.known.add(name);
  const peers = [...new Set([...listed, ...node.known])].flatMap((name): Peer[] => {
    const other = nodes.find((one) => one.name === name);
    if (other ? !arePeers(node, other) : !node.isMaster) return [];
    const { isReady, isStepping = false } = (letIn ? api.get(name) : undefined) ?? {};
    const isMaster = other?.isMaster ?? false;
    if (!other?.isUp) return [{ name, isMaster, isReady, isStepping, seen: undefined }];
    const state = shown(other);
    const isServed = state.leaf === served;
    const seen = {
      presents: isServed ? 'served' : accepts(node, state) ? 'former' : 'refused',
      acceptsServed: state.trusts.includes(served),
      acceptsOwn: accepts(state, node),
    } as const;
    return [{ name, isMaster, isReady, isStepping, seen }];
  });
  if (node.trusts.includes(served) && node.course?.ca !== served)
    node.course = { ca: served, since: now, finishNow: false, heldUntil: undefined };
  const course = node.course ?? { since: now, finishNow: false, heldUntil: undefined };
  return {
    own: {
      isMaster: node.isMaster,
      trustsServed: node.trusts.includes(served),
      trustsFormer: node.trusts.some((ca) => ca !== served),
      presentsServed: node.leaf === served,
    },
    api: letIn ? 'answers' : servers.length > 0 ? 'refused' : 'silent',
    peers,
    course,
    now,
    withinMs: WITHIN_MS,
  };
}

/** Runs one look of an agent: it continues a step, or begins one that is due. */
export function look(world: World, node: SimNode, coin: () => boolean): void {
  if (!node.isUp || !node.hasAgent) return;
  if (node.stepping) {
    if (node.stepping.isActive) end(world, node);
    else if (takeTurn(world, node, coin, true)) restart(world, node, node.stepping);
    return;
  }
  // Each look reports the node's own state.
  const record = world.api.get(node.name);
  if (record && isApiUp(world)) record.isStepping = false;
  const decision = decide(viewOf(world, node, coin));
  if (decision.do === 'wait' || decision.do === 'nothing') {
    release(world, node);
    return;
  }
  if (!takeTurn(world, node, coin, false)) return;
  // Decides again right before the step.
  const again = decide(viewOf(world, node, coin));
  if (again.do === decision.do && !isLost(world, coin)) begin(world, node, again);
  else release(world, node);
}

const isLost = ({ losesWrites }: World, coin: () => boolean): boolean => losesWrites && coin() && coin();

function begin(world: World, node: SimNode, decision: Exclude<Decision, { do: 'wait' | 'nothing' }>): void {
  const { served, nodes, faults } = world;
  const { trusts, leaf } = node;
  const after: State =
    decision.do === 'trust'
      ? { trusts: [...new Set([...trusts, served])], leaf }
      : decision.do === 'reissue'
        ? { trusts, leaf: served }
        : { trusts: [served], leaf };
  const cutsOff = 'despite' in decision ? decision.despite : [];
  for (const name of cutsOff) world.cutOff.add(name);
  const missing = nodes.find(
    (one) => one !== node && one.isMaster && !one.isUp && world.api.get(one.name)?.isReady,
  );
  if (node.isMaster && missing) faults.push(`${node.name} restarts without ${missing.name}`);
  const record = world.api.get(node.name);
  const isTold = isApiUp(world) && record !== undefined;
  if (record && isTold) record.isStepping = true;
  // A node that cannot announce its step, because its Node was deleted, may still roll back: a forger can win this
  // race.
  const seen = nodes.filter(({ isUp, stepping }) => isUp && stepping?.isTold !== false);
  for (const other of seen.filter((one) => arePeers(node, one))) {
    const wasWell = acceptsAlways(node, other) && acceptsAlways(other, node);
    const then = { ...node, stepping: { after, isTold: true, isActive: true } };
    const isWell = acceptsAlways(then, other) && acceptsAlways(other, then);
    if (wasWell && !isWell && !cutsOff.includes(other.name))
      faults.push(`${decision.do} of ${node.name} cuts off ${other.name}`);
  }
  restart(world, node, { after, isTold, isActive: true });
}

function restart({ nodes, faults, isLeaseForged }: World, node: SimNode, step: Step): void {
  node.stepping = { ...step, isActive: true };
  const restarting = nodes.filter((one) => one.isMaster && one.isUp && one.stepping?.isActive === true);
  if (node.isMaster && restarting.length > 1 && !isLeaseForged)
    faults.push(`restart at once: ${restarting.map(({ name }) => name).join(', ')}`);
}

function end(world: World, node: SimNode): void {
  if (!node.stepping) return;
  Object.assign(node, node.stepping.after);
  node.stepping = undefined;
  const record = world.api.get(node.name);
  if (record && isApiUp(world)) record.isStepping = false;
  release(world, node);
}

/** During a step, a master's units may be down; those of a node that is off are. */
function stateOf({ name, isUp, stepping }: SimNode, { api }: World, coin: () => boolean): OtherMaster {
  const { isReady, isStepping = false } = api.get(name) ?? {};
  if (isUp) return { name, is: stepping && coin() ? 'unwell' : 'well', isStepping };
  return { name, is: isReady === false ? 'gone' : 'unwell', isStepping };
}

function takeTurn(world: World, node: SimNode, coin: () => boolean, resumes: boolean): boolean {
  const { lease, nodes, now } = world;
  const { memory } = node;
  const others = nodes.filter((one) => one.isMaster && one !== node);
  if (!node.isMaster || others.length === 0) return true;
  if (!isApiUp(world)) return resumes;
  const text = `${lease.holder} ${lease.version}`;
  if (memory.lease !== text) Object.assign(memory, { lease: text, leaseSince: now });
  memory.waitedMs += Math.max(0, Math.min(now - memory.lookedAt, 10 * MINUTE));
  memory.lookedAt = now;
  const turn = turnOf({
    own: node.name,
    holder: lease.holder,
    others: others.map((one) => stateOf(one, world, coin)),
    unchangedMs: now - memory.leaseSince,
    waitedMs: memory.waitedMs,
    resumes,
  });
  if (turn.is === 'wait') return false;
  const isUnknown = isLost(world, coin);
  if (!isUnknown || coin()) write(world, node.name);
  return !isUnknown;
}

function release(world: World, node: SimNode): void {
  Object.assign(node.memory, { waitedMs: 0, lookedAt: Infinity });
  if (world.lease.holder === node.name && isApiUp(world)) write(world, '');
}

function write(world: World, holder: string): void {
  world.lease = { holder, version: world.lease.version + 1 };
}

/** Kills the agent; an unfinished step stays as it is. */
export function crash(node: SimNode): void {
  node.memory = newMemory();
  if (node.stepping) node.stepping.isActive = false;
}

/** Advances the time; no step outlasts a turn. */
export function pass(world: World, ms: number): void {
  for (const node of world.nodes) if (node.stepping?.isActive === true && ms >= 10 * MINUTE) end(world, node);
  world.now += ms;
}

/**
 * Deletes a Node, as a former administrator can: its step is no longer announced. A new node that is deleted before
 * another has seen it stays unknown.
 */
export function deleteNode({ api }: World, node: SimNode): void {
  if (node.name.includes('new')) return;
  api.delete(node.name);
  if (node.stepping) node.stepping.isTold = false;
}

export const isDone = ({ trusts, leaf, stepping }: SimNode, { served }: World): boolean =>
  !stepping && leaf === served && trusts.length === 1 && trusts[0] === served;
