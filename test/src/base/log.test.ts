import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLog, type Log, type LogLevel, type LogStyle } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';

function setUp(
  style: LogStyle,
  level: LogLevel = 'debug',
): { log: Log; lines: string[]; hide(value: string): void } {
  const secrets = createSecrets();
  const lines: string[] = [];
  const log = createLog({ level, style, secrets, write: (line) => lines.push(line) });
  return { log, lines, hide: secrets.add };
}

test('as JSON a line is one object with level, time, message and fields', () => {
  const { log, lines } = setUp('json');
  log.warn({ deployment: 'd1', wait_ms: 5 }, 'trying again');
  expect(lines).toHaveLength(1);
  const line: unknown = JSON.parse(lines[0] ?? '');
  expect(line).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
    deployment: 'd1',
    wait_ms: 5,
    msg: 'trying again',
  });
});

test('in the journal every line starts with its sd-daemon priority', () => {
  const { log, lines } = setUp('journal');
  for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level]({}, 'x');
  // sd-daemon(3): err 3, warning 4, info 6, debug 7
  expect(lines).toEqual(['<3>x\n', '<4>x\n', '<6>x\n', '<7>x\n']);
});

test('for a person a line is the message and its fields, quoted where that is needed', () => {
  const { log, lines } = setUp('text');
  log.info({ unit: 'kubelet', why: 'it is "down"', ms: 3 }, 'restarted');
  log.error({ path: '/etc/x' }, 'failed');
  expect(lines).toEqual([
    'restarted unit=kubelet why="it is \\"down\\"" ms=3\n',
    'error: failed path=/etc/x\n',
  ]);
});

test('what is below the level is not written', () => {
  const { log, lines } = setUp('text', 'warn');
  log.debug({}, 'a');
  log.info({}, 'b');
  log.warn({}, 'c');
  expect(lines).toEqual(['warn: c\n']);
});

test('a secret never gets through, whatever the style and wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<LogStyle>('json', 'journal', 'text'),
      fc
        .string({ minLength: 6 })
        .filter((text) => /^[^*]{6,}$/.test(text.trim()) && !/level|msg|time/.test(text)),
      (style, secret) => {
        const { log, lines, hide } = setUp(style);
        hide(`#${secret}#`);
        log.error({ why: `before #${secret}# after`, deep: { list: [`#${secret}#`] } }, 'failed');
        expect(lines).toHaveLength(1);
        for (const spelling of [`#${secret}#`, JSON.stringify(`#${secret}#`).slice(1, -1)])
          expect(lines[0]).not.toContain(spelling);
      },
    ),
  );
});

test('a line stays one line: no field can fake another', () => {
  for (const style of ['json', 'journal', 'text'] as const) {
    const { log, lines } = setUp(style);
    log.info({ why: 'a\n<3>fake\r\nb' }, 'told');
    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/);
  }
});
