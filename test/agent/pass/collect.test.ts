import { describe, expect, test } from 'vitest';
import { collect, silenceOf, understand, type Wanted } from '../../../agent/pass/collect.ts';
import { AgentError } from '../../../src/base/errors.ts';
import type { Collected, Collector, CollectorName } from '../../../src/metadata/collector.ts';
import { LARGEST_METADATA } from '../../../src/metadata/decode.ts';
import { localCollector } from '../../../src/metadata/local.ts';
import { createHands, type TestHands } from '../../fakes/hands.ts';
import { NEVER } from '../../src/support/clock.ts';
import { HEAT_SIGNAL, rawDeployment } from '../../src/support/deployments.ts';
import { faultIn } from '../../src/support/outcome-of.ts';

const brings = (name: Collector['name'], ...texts: string[]): Collector => ({
  name,
  collect: async () => await Promise.resolve(texts.map((text) => ({ source: name, text }))),
});
const fails = (name: Collector['name'], error: Error): Collector => ({
  name,
  collect: async () => await Promise.reject(error),
});
const collectFrom = async (...collectors: Collector[]): ReturnType<typeof collect> =>
  await collect((await createHands({ over: { collectors } })).hands, NEVER);

describe('collect', () => {
  test('isolates a failing source from the others', async () => {
    const refused = new AgentError('cloud-refused', 'forbidden');
    const { texts, problems, answers } = await collectFrom(fails('heat', refused), brings('local', '{}'));
    expect(texts).toEqual([{ source: 'local', collector: 'local', text: '{}' }]);
    expect(problems).toEqual([refused]);
    expect(answers).toEqual([
      { collector: 'heat', why: 'forbidden', code: 'cloud-refused', refused: true },
      { collector: 'local', why: undefined, refused: false },
    ]);
  });

  test.each(['ec2', 'config_drive'] as const)('accepts a silent %s', async (name) => {
    const { problems, answers } = await collectFrom(fails(name, new AgentError('cloud-unreachable', 'away')));
    expect(problems).toEqual([]);
    expect(answers).toEqual([{ collector: name, why: 'away', code: 'cloud-unreachable', refused: false }]);
  });

  test('reports an error of another kind as a metadata problem', async () => {
    const { problems } = await collectFrom(fails('heat', new TypeError('a bug')));
    expect(problems).toMatchObject([{ code: 'bad-metadata' }]);
  });

  test('reports an unreadable file, and reads the files beside it', async () => {
    const test = await createHands();
    await test.write('/data/a.json', '{}');
    await test.write('/data/b.json', '{}', 0o666);
    const collectors = [localCollector(test.disk, ['/data'])];
    const { texts, problems } = await collect({ ...test.hands, collectors }, NEVER);
    expect(texts.map(({ source }) => source)).toEqual(['/data/a.json']);
    expect(problems).toHaveLength(1);
  });

  test('drops the largest source if the sum is too large', async () => {
    const [small, large] = [LARGEST_METADATA / 2, LARGEST_METADATA / 2 + 1].map((size) => ' '.repeat(size));
    const { texts, problems } = await collectFrom(brings('heat', large ?? ''), brings('local', small ?? ''));
    expect(texts.map(({ source }) => source)).toEqual(['local']);
    expect(problems).toMatchObject([{ code: 'bad-metadata', reason: 'metadata-too-large' }]);
  });

  test('rejects on abort even if every source has answered', async () => {
    const { hands } = await createHands({ over: { collectors: [brings('heat', '{}')] } });
    expect(await faultIn(collect(hands, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
  });
});

const silent = (collector: CollectorName) => ({ collector, why: 'away', refused: true });

test('treats only a source of the cloud as silent', () => {
  const others = (['local', 'heat_local', 'ec2', 'config_drive'] as const).map(silent);
  expect(silenceOf(others)).toBeUndefined();
  expect(silenceOf([...others, silent('heat')])).toEqual({ why: 'away', refused: true });
});

const source = (...deployments: unknown[]): Collected => ({
  source: 'heat',
  text: JSON.stringify({ deployments }),
});
const read = async (texts: Collected[], unanswered: AgentError[] = []): Promise<Wanted & TestHands> => {
  const test = await createHands();
  return { ...test, ...understand(texts, unanswered, test.hands) };
};

describe('understand', () => {
  test('takes a deployment from two sources once', async () => {
    const wanted = await read([source(rawDeployment()), source(rawDeployment())]);
    expect(wanted).toMatchObject({ isWhole: true, complete: true, problems: [] });
    expect(wanted.deployments).toHaveLength(1);
  });

  test('takes the first of two different deployments with one id, and reports a problem', async () => {
    const wanted = await read([source(rawDeployment({ a: '1' })), source(rawDeployment({ a: '2' }))]);
    expect(wanted.deployments.map(({ inputs }) => inputs['a'])).toEqual(['1']);
    expect(wanted.problems).toMatchObject([{ code: 'bad-deployment', reason: 'deployment-twice' }]);
  });

  test('keeps other deployments beside one without a usable id, and marks the list as incomplete', async () => {
    const wanted = await read([source(rawDeployment({}, { id: '../x' }), rawDeployment())]);
    expect(wanted.deployments).toHaveLength(1);
    expect(wanted.problems).toMatchObject([{ code: 'bad-deployment' }]);
    expect(wanted).toMatchObject({ isWhole: true, complete: false });
  });

  test('ignores data without an id', async () => {
    const wanted = await read([source({ name: 'data', group: 'os-apply-config', config: {} })]);
    expect(wanted).toMatchObject({ deployments: [], problems: [], complete: true });
  });

  test('keeps other sources beside one that is not JSON, and marks the answer as incomplete', async () => {
    const wanted = await read([{ source: 'heat', text: 'junk' }, source(rawDeployment())]);
    expect(wanted.deployments).toHaveLength(1);
    expect(wanted).toMatchObject({ isWhole: false, complete: false, problems: [{ code: 'bad-metadata' }] });
  });

  test('marks the answer as incomplete if a source has not answered', async () => {
    const away = new AgentError('cloud-unreachable', 'away');
    expect(await read([source()], [away])).toMatchObject({
      isWhole: false,
      complete: false,
      problems: [away],
    });
  });

  test('registers the secrets of each deployment before anything is shown', async () => {
    const { hands } = await read([source(rawDeployment(HEAT_SIGNAL))]);
    expect(hands.secrets.redact(HEAT_SIGNAL.deploy_password)).not.toContain(HEAT_SIGNAL.deploy_password);
  });
});
