import { createInterface } from 'node:readline';
import * as v from 'valibot';
import type { TestNode } from '../../test/fakes/node.ts';

/** One line of the program's log. */
export type LogLine = {
  at: number;
  level: string;
  event: string;
  msg: string;
  fields: Record<string, unknown>;
};

export type AgentProcess = {
  readonly pid: number;
  /** All output except log lines. */
  readonly output: string;
  /** The exit code; null for a killed program. */
  readonly ended: Promise<number | null>;
  /** Sends SIGTERM, and SIGKILL after a while, and returns the exit code. */
  stop(): Promise<number | null>;
};

/** Time for a program to stop by itself, in milliseconds. */
const PATIENCE_MS = 3000;

/** Starts the program on a node and passes its log on line by line. */
export function startAgent(
  node: TestNode,
  args: readonly string[],
  onLog: (line: LogLine) => void,
): AgentProcess {
  const child = node.start(...args);
  let output = '';
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  if (child.stderr)
    createInterface(child.stderr).on('line', (text) => {
      const line = parseLog(text);
      if (line) onLog(line);
      else output += `${text}\n`;
    });
  return {
    get pid() {
      if (child.pid === undefined) throw new Error('the agent could not be started');
      return child.pid;
    },
    get output() {
      return output;
    },
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      const insist = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      const code = await ended;
      clearTimeout(insist);
      return code;
    },
  };
}

const Line = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({ level: v.string(), time: v.string(), event: v.string(), msg: v.string() }),
);

function parseLog(text: string): LogLine | undefined {
  const parsed = v.safeParse(Line, text);
  if (!parsed.success) return undefined;
  const { level, time, event, msg, ...fields } = parsed.output;
  return { at: Date.parse(time), level, event, msg, fields };
}
