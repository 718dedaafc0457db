import { expect, test } from 'vitest';
import { parseExactJson } from '../../../src/base/exact-json.ts';
import { isObject } from '../../../src/base/json.ts';
import { prepareRun } from '../../../src/hooks/prepare.ts';

const SETTINGS = { base: [], timeoutMs: 1000, graceMs: 1000 };

/** A text, and Python 3.11's `json.dumps(json.loads(text))` of it. */
const GIVEN =
  '{"small":1e-5,"large":1E16,"whole":1.0,"many":123456789012345678901,"text":"é\u007f","none":null,"list":[true,0.00001]}';
const WRITTEN = String.raw`{"small": 1e-05, "large": 1e+16, "whole": 1.0, "many": 123456789012345678901, "text": "\u00e9\u007f", "none": null, "list": [true, 1e-05]}`;

test("passes a deployment to a hook in the predecessor's format", () => {
  const deployment = parseExactJson(GIVEN, 'a deployment', 'bad-metadata');
  if (!isObject(deployment)) throw new Error('no deployment');
  const operation = { kind: 'run', hook: 'any', deployment, timeoutMs: undefined } as const;
  const { run } = prepareRun('d1', operation, { outputs: [], secrets: [] }, '/hooks/any', SETTINGS);
  expect(run).toEqual({ program: '/hooks/any', stdin: WRITTEN });
});
