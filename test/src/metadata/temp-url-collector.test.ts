import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { requestCollector, type TempUrl, type Version } from '../../../src/metadata/temp-url-collector.ts';
import { NEVER } from '../support/clock.ts';

type Stored = { text: string; version: Version };

/** Makes a store with one object, which records its requests. */
function store(object: Stored, heads = true) {
  const asked: string[] = [];
  const state = { object };
  const url: TempUrl = {
    look: async () => {
      asked.push('look');
      return await Promise.resolve(heads ? state.object.version : undefined);
    },
    read: async (unless) => {
      asked.push('read');
      const { tag, modified } = state.object.version;
      const isKnown =
        unless?.tag === undefined
          ? modified === unless?.modified && modified !== undefined
          : unless.tag === tag;
      return await Promise.resolve({ ...state.object, text: isKnown ? undefined : state.object.text });
    },
  };
  const collector = requestCollector(url);
  return {
    asked,
    put: (next: Stored) => (state.object = next),
    collect: async () => (await collector.collect(NEVER)).map(({ text }) => text),
  };
}

const at = (modified: number | undefined, text: string, tag: string | undefined = text): Stored => ({
  text,
  version: { modified, tag },
});

test('fetches an object once, then checks it, and fetches it again when it is newer', async () => {
  const { asked, put, collect } = store(at(1000, 'one'));
  expect([await collect(), await collect(), await collect()]).toEqual([['one'], ['one'], ['one']]);
  expect(asked.splice(0)).toEqual(['read', 'look', 'look']);
  put(at(2000, 'two'));
  expect(await collect()).toEqual(['two']);
  expect(asked.splice(0)).toEqual(['look', 'read']);
});

test('detects a second version within the same second by its ETag', async () => {
  const { put, collect } = store(at(1000, 'one'));
  await collect();
  put(at(1000, 'two'));
  expect(await collect()).toEqual(['two']);
});

test('ignores an older copy, which a replicated store may return', async () => {
  const { put, collect } = store(at(2000, 'two'));
  await collect();
  put(at(1000, 'one'));
  expect(await collect()).toEqual(['two']);
  put(at(3000, 'three'));
  expect(await collect()).toEqual(['three']);
});

test('fetches each time from a store that answers only GET or sends no dates', async () => {
  const getOnly = store(at(1000, 'one'), false);
  await getOnly.collect();
  expect(await getOnly.collect()).toEqual(['one']);
  expect(getOnly.asked).toEqual(['read', 'look', 'read']);
  const undated = store({ text: 'one', version: { modified: undefined, tag: undefined } });
  await undated.collect();
  undated.put({ text: 'two', version: { modified: undefined, tag: undefined } });
  expect(await undated.collect()).toEqual(['two']);
});

test('does not remember an error, and keeps the former metadata', async () => {
  let fails = false;
  const object = at(1000, 'one');
  const collector = requestCollector({
    look: async () => await (fails ? Promise.reject(new Error('gone')) : Promise.resolve(object.version)),
    read: async () => await Promise.resolve(object),
  });
  await collector.collect(NEVER);
  fails = true;
  await expect(collector.collect(NEVER)).rejects.toThrow('gone');
  fails = false;
  expect(await collector.collect(NEVER)).toMatchObject([{ text: 'one' }]);
});

test('never returns older metadata than before, and finally the stored one', async () => {
  const versions = fc.array(fc.record({ seconds: fc.nat(5), text: fc.constantFrom('a', 'b', 'c') }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(versions, fc.boolean(), async (puts, heads) => {
      const [first] = puts;
      if (!first) return;
      const { put, collect } = store(at(first.seconds * 1000, first.text), heads);
      let newest = first.seconds;
      let expected = first.text;
      await collect();
      for (const { seconds, text } of puts) {
        put(at(seconds * 1000, text));
        if (seconds >= newest) [newest, expected] = [seconds, text];
        expect(await collect()).toEqual([expected]);
      }
    }),
  );
});
