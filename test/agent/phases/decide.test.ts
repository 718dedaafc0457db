import { describe, expect, test } from 'vitest';
import { decide, type Peer, type View } from '../../../agent/phases/decide.ts';

const HOUR = 3_600_000;
const WITHIN_MS = 24 * HOUR;
const SINCE = 1_000_000;

const TRUSTING = { isMaster: true, trustsServed: true, trustsFormer: true, presentsServed: false };
const REISSUED = { ...TRUSTING, presentsServed: true };

const view = (over: Partial<View> = {}): View => ({
  own: TRUSTING,
  api: 'answers',
  peers: [],
  course: { since: SINCE, finishNow: false, heldUntil: undefined },
  now: SINCE,
  withinMs: WITHIN_MS,
  ...over,
});

const peer = (over: Partial<Peer> = {}): Peer => ({
  name: 'worker-1',
  isMaster: false,
  isReady: true,
  isStepping: false,
  seen: { presents: 'former', acceptsServed: true, acceptsOwn: true },
  ...over,
});
const deaf = { seen: { presents: 'former', acceptsServed: false, acceptsOwn: true } } as const;
const silent = { seen: undefined };

test('trusts the served CA at once, even on hold and without an API', () => {
  const own = { ...TRUSTING, trustsServed: false };
  const course = { since: SINCE, finishNow: false, heldUntil: Infinity };
  expect(decide(view({ own, course, api: 'silent', peers: [peer(silent)] }))).toEqual({ do: 'trust' });
});

test('does nothing if the served CA is the only one', () => {
  expect(decide(view({ own: { ...REISSUED, trustsFormer: false } }))).toEqual({ do: 'nothing' });
});

test('a worker that joined says that it rejects the certificate of every master', () => {
  const own = { ...REISSUED, isMaster: false, trustsFormer: false };
  const refused = peer({ seen: { presents: 'refused', acceptsServed: true, acceptsOwn: true } });
  const served = peer({ seen: { presents: 'served', acceptsServed: true, acceptsOwn: true } });
  const waits = { do: 'wait', why: 'masters-refused', for: ['worker-1'], until: undefined };
  expect(decide(view({ own, peers: [refused], api: 'refused' }))).toEqual(waits);
  for (const peers of [[], [peer(silent)], [refused, served]])
    expect(decide(view({ own, peers }))).toEqual({ do: 'nothing' });
  // A master that has cut off a broken node is done.
  expect(decide(view({ own: { ...own, isMaster: true }, peers: [refused] }))).toEqual({ do: 'nothing' });
});

describe('before `reissue`', () => {
  test('waits for a peer that does not accept the served CA, for half of the time', () => {
    const peers = [peer(), peer({ name: 'worker-2', ...deaf })];
    const until = SINCE + 12 * HOUR;
    expect(decide(view({ peers }))).toEqual({
      do: 'wait',
      why: 'peers-refuse-served',
      for: ['worker-2'],
      until,
    });
    expect(decide(view({ peers, now: until }))).toEqual({ do: 'reissue', despite: ['worker-2'] });
  });

  test('waits for an API server that would refuse its tokens, and keeps the present key after half of the time', () => {
    const seen = {
      presents: 'former',
      acceptsServed: true,
      acceptsOwn: true,
      refusesTokenKey: true,
    } as const;
    const peers = [peer({ name: 'master-1', isMaster: true, seen })];
    const until = SINCE + 12 * HOUR;
    const waits = { do: 'wait', why: 'peers-refuse-key', for: ['master-1'], until };
    expect(decide(view({ peers }))).toEqual(waits);
    const kept = { do: 'reissue', despite: [], keepsTokenKey: true };
    expect(decide(view({ peers, now: until }))).toEqual(kept);
    const course = { since: SINCE, finishNow: true, heldUntil: undefined };
    expect(decide(view({ peers, course }))).toEqual(kept);
    const reissued = [{ ...seen, presents: 'served' } as const].map((one) => peer({ seen: one }));
    expect(decide(view({ own: REISSUED, peers: reissued }))).toEqual({ do: 'retire', despite: [] });
  });

  test('does not wait for a peer that already rejects this node', () => {
    const seen = { presents: 'refused', acceptsServed: false, acceptsOwn: false } as const;
    expect(decide(view({ peers: [peer({ seen })] }))).toEqual({ do: 'reissue', despite: [] });
  });

  test('waits for a ready node that does not answer, but not for one that is not ready', () => {
    expect(decide(view({ peers: [peer(silent)] }))).toMatchObject({ do: 'wait', for: ['worker-1'] });
    expect(decide(view({ peers: [peer({ ...silent, isReady: false })] }))).toMatchObject({ do: 'reissue' });
    expect(decide(view({ peers: [peer({ ...silent, isReady: undefined })] }))).toMatchObject({
      do: 'reissue',
    });
  });

  test('includes a peer that answers, whatever the API says about it', () => {
    for (const isReady of [false, undefined])
      expect(decide(view({ peers: [peer({ ...deaf, isReady })] }))).toMatchObject({ do: 'wait' });
  });

  test('waits while a peer reports a step of its own', () => {
    const peers = [peer({ isStepping: true })];
    const until = SINCE + 13 * HOUR;
    expect(decide(view({ peers }))).toEqual({ do: 'wait', why: 'peers-stepping', for: ['worker-1'], until });
    expect(decide(view({ peers, now: until }))).toEqual({ do: 'reissue', despite: ['worker-1'] });
  });
});

describe('before `retire`', () => {
  const served = { presents: 'served', acceptsServed: true, acceptsOwn: true } as const;

  test('waits for a peer that presents a certificate of a former CA, until the deadline', () => {
    const peers = [peer({ seen: served }), peer({ name: 'worker-2' })];
    const until = SINCE + WITHIN_MS;
    expect(decide(view({ own: REISSUED, peers }))).toEqual({
      do: 'wait',
      why: 'peers-present-former',
      for: ['worker-2'],
      until,
    });
    expect(decide(view({ own: REISSUED, peers, now: until - 1 }))).toMatchObject({ do: 'wait' });
    expect(decide(view({ own: REISSUED, peers, now: until }))).toEqual({
      do: 'retire',
      despite: ['worker-2'],
    });
  });

  test('continues at once when every peer presents a certificate of the served CA', () => {
    expect(decide(view({ own: REISSUED, peers: [peer({ seen: served })] }))).toEqual({
      do: 'retire',
      despite: [],
    });
  });
});

describe('the operator', () => {
  const course = { since: SINCE, finishNow: true, heldUntil: undefined };

  test('ends the wait with `finish --now`', () => {
    expect(decide(view({ course, peers: [peer(deaf)] }))).toEqual({ do: 'reissue', despite: ['worker-1'] });
  });

  test('holds a rotation until the hold expires', () => {
    const heldUntil = SINCE + HOUR;
    const held = { since: SINCE, finishNow: false, heldUntil };
    expect(decide(view({ course: held }))).toEqual({ do: 'wait', why: 'held', for: [], until: heldUntil });
    expect(decide(view({ course: held, now: heldUntil }))).toMatchObject({ do: 'reissue' });
  });

  test('cannot make a master break the etcd quorum', () => {
    const masters = ['m1', 'm2'].map((name) => peer({ name, isMaster: true, ...deaf }));
    expect(decide(view({ course, peers: masters }))).toEqual({
      do: 'wait',
      why: 'no-quorum',
      for: ['m1', 'm2'],
      until: undefined,
    });
    const [one] = masters;
    const other = peer({ name: 'm2', isMaster: true });
    expect(decide(view({ course, peers: one ? [one, other] : [] }))).toEqual({
      do: 'reissue',
      despite: ['m1'],
    });
  });
});

describe('without an API', () => {
  test('starts nothing', () => {
    expect(decide(view({ api: 'silent', peers: [peer()] }))).toMatchObject({ do: 'wait', why: 'no-api' });
  });

  test('uses the handshakes if the API rejects the node', () => {
    const seen = { presents: 'served', acceptsServed: true, acceptsOwn: false } as const;
    const own = { ...TRUSTING, isMaster: false };
    expect(decide(view({ own, api: 'refused', peers: [peer({ seen, isReady: undefined })] }))).toEqual({
      do: 'reissue',
      despite: [],
    });
    expect(decide(view({ own, api: 'refused', peers: [peer(silent)] }))).toMatchObject({ why: 'no-api' });
  });
});
