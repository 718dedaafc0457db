import { expect, test } from 'vitest';
import { AgentError } from '../../../src/base/errors.ts';
import { postAnswer, type SignalQueue } from '../../../src/signal/post-answer.ts';
import { NEVER } from '../support/clock.ts';

/** Makes a working queue. */
function queueWith(...bodies: unknown[]) {
  let messages = bodies.map((body, index) => ({ id: `m${index}`, body, ttl: 0 }));
  const queue: SignalQueue = {
    list: async () => await Promise.resolve(messages.map(({ id, body }) => ({ id, body }))),
    remove: async (ids) => {
      messages = messages.filter(({ id }) => !ids.includes(id));
      await Promise.resolve();
    },
    post: async (text, ttl) => {
      const body: unknown = JSON.parse(text);
      messages = [...messages, { id: `m${messages.length + 100}`, body, ttl }];
      await Promise.resolve();
    },
  };
  return { queue, left: () => messages };
}

const post = async ({ queue }: { queue: SignalQueue }, answer: unknown): Promise<void> => {
  await postAnswer(JSON.stringify(answer), queue, NEVER);
};

test('posts an answer as an object with a TTL of ten minutes', async () => {
  const there = queueWith();
  await post(there, { deploy_status_code: 0 });
  expect(there.left()).toMatchObject([{ body: { deploy_status_code: 0 }, ttl: 600 }]);
});

test('does not post an answer twice when its acknowledgement was lost', async () => {
  const there = queueWith();
  const { post: real } = there.queue;
  there.queue.post = async (...what) => {
    await real(...what);
    throw new AgentError('cloud-unreachable', 'the connection was reset');
  };
  await expect(post(there, { a: 1, b: [2] })).rejects.toThrow('reset');
  await post(there, { b: [2], a: 1 });
  expect(there.left()).toHaveLength(1);
});

test('removes duplicates and answers to earlier deployments, which Heat would take for this answer', async () => {
  const there = queueWith({ deploy_status_code: 1 }, { deploy_status_code: 0 }, 'junk', {
    deploy_status_code: 0,
  });
  await post(there, { deploy_status_code: 0 });
  expect(there.left()).toMatchObject([{ body: { deploy_status_code: 0 } }]);
});
