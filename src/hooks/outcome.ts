import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import { isObject, parseJson } from '../base/json.ts';
import type { Outcome } from '../deployment/deployment.ts';
import { createLastBytes } from './last-bytes.ts';
import type { Order, Result } from './run-files.ts';

/** Heat accepts no larger answer. */
const LARGEST_OUTPUT = 2 ** 20;

/**
 * Returns the outcome of a run.
 *
 * @param outputs path stem of a script's output files, on this machine
 */
export async function outcomeOf(order: Order, result: Result, outputs: string): Promise<Outcome> {
  const { stdout } = result;
  const stderr = withFault(result.stderr, result);
  if (order.reads === 'files')
    return ended(
      result.statusCode,
      { stdout, stderr, outputs: await readOutputs(order.outputs, outputs) },
      result,
    );
  const answer = objectIn(stdout);
  return answer
    ? answered(answer, result)
    : ended(result.statusCode, { stdout, stderr, outputs: {} }, result);
}

/** @param reason set if the run did not end by itself */
const ended = (
  statusCode: number,
  told: Pick<Outcome, 'stdout' | 'stderr' | 'outputs'>,
  { reason }: Result,
): Outcome =>
  statusCode === 0
    ? { is: 'succeeded', statusCode, ...told }
    : { is: 'failed', statusCode, ...told, ...(reason !== undefined && { error: { code: 'unit', reason } }) };

const withFault = (stderr: string, { fault }: Result): string =>
  fault === undefined
    ? stderr
    : `${stderr}${stderr === '' || stderr.endsWith('\n') ? '' : '\n'}[coe-agent: ${fault}]\n`;

/** Converts a hook's answer. A hook that exits with an error has failed, even if its answer reports success. */
function answered(answer: Record<string, unknown>, result: Result): Outcome {
  const { deploy_stdout: stdout, deploy_stderr: stderr, deploy_status_code: code, ...outputs } = answer;
  const told = {
    stdout: textIn(stdout),
    stderr: withFault(textIn(stderr) || (result.statusCode === 0 ? '' : result.stderr), result),
    outputs,
  };
  return ended(statusCodeIn(code) || result.statusCode, told, result);
}

/** Heat treats any value except missing and 0 as a failure. */
function statusCodeIn(code: unknown): number {
  if (code === undefined || code === null || code === '') return 0;
  const number = typeof code === 'object' ? Number.NaN : Number(code);
  return Number.isFinite(number) ? number : 1;
}

const textIn = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value = parseJson(text, "reading a hook's answer", 'bad-answer');
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function readOutputs(names: readonly string[], stem: string): Promise<Record<string, string>> {
  const found: [string, string][] = [];
  for (const name of names) {
    // A name with a slash or NUL is not a file name.
    const text = /[/\0]/.test(name) ? undefined : await readEnd(`${stem}.${name}`);
    if (text !== undefined) found.push([name, text]);
  }
  return Object.fromEntries(found);
}

/** Reads the end of a file that may be anything; undefined if it is not a regular file. */
async function readEnd(path: string): Promise<string | undefined> {
  try {
    // Opening a pipe without a writer must not block.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return undefined;
      const end = createLastBytes(LARGEST_OUTPUT);
      for await (const chunk of file.createReadStream({ autoClose: false }) as AsyncIterable<Buffer>)
        end.push(chunk);
      return end.text();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENXIO' || errnoOf(error) === 'ENAMETOOLONG')
      return undefined;
    throw error;
  }
}
