import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLog, type EventLog, type LogLevel, type LogStyle } from '../../../src/base/log.ts';
import { createSecrets } from '../../../src/base/secrets.ts';

const EVENTS = {
  restarted: ['info', 'unit restarted'],
  retried: ['warn', 'trying again'],
  failed: ['error', 'step failed'],
  seen: ['debug', 'step seen'],
} as const;

function setUp(
  style: LogStyle,
  level: LogLevel = 'debug',
): { log: EventLog<keyof typeof EVENTS>; lines: string[]; hide(value: string): void } {
  const secrets = createSecrets();
  const lines: string[] = [];
  const log = createLog({ events: EVENTS, level, style, secrets, write: (line) => lines.push(line) });
  return { log, lines, hide: secrets.add };
}

test('writes JSON as one object with level, time, event, message and fields', () => {
  const { log, lines } = setUp('json');
  log('retried', { deployment: 'd1', wait_ms: 5 });
  expect(lines).toHaveLength(1);
  const line: unknown = JSON.parse(lines[0] ?? '');
  expect(line).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
    event: 'retried',
    deployment: 'd1',
    wait_ms: 5,
    msg: 'trying again',
  });
});

test('starts every line for the journal with its sd-daemon priority', () => {
  const { log, lines } = setUp('journal');
  for (const event of ['failed', 'retried', 'restarted', 'seen'] as const) log(event);
  // sd-daemon(3): err 3, warning 4, info 6, debug 7
  expect(lines).toEqual(['<3>step failed\n', '<4>trying again\n', '<6>unit restarted\n', '<7>step seen\n']);
});

test('writes message and fields for a terminal, and quotes fields where necessary', () => {
  const { log, lines } = setUp('text');
  log('restarted', { unit: 'kubelet', why: 'it is "down"', ms: 3 });
  log('failed', { path: '/etc/x' });
  expect(lines).toEqual([
    'unit restarted unit=kubelet why="it is \\"down\\"" ms=3\n',
    'error: step failed path=/etc/x\n',
  ]);
});

test('drops events below the level', () => {
  const { log, lines } = setUp('text', 'warn');
  log('seen');
  log('restarted');
  log('retried');
  expect(lines).toEqual(['warn: trying again\n']);
});

test('redacts a secret in every style and place', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<LogStyle>('json', 'journal', 'text'),
      fc
        .string({ minLength: 6 })
        .filter((text) => /^[^*]{6,}$/.test(text.trim()) && !/level|msg|time|event/.test(text)),
      (style, secret) => {
        const { log, lines, hide } = setUp(style);
        hide(`#${secret}#`);
        log('failed', { why: `before #${secret}# after`, deep: { list: [`#${secret}#`] } });
        expect(lines).toHaveLength(1);
        for (const spelling of [`#${secret}#`, JSON.stringify(`#${secret}#`).slice(1, -1)])
          expect(lines[0]).not.toContain(spelling);
      },
    ),
  );
});

test('keeps an event on one line: no field can forge another line', () => {
  for (const style of ['json', 'journal', 'text'] as const) {
    const { log, lines } = setUp(style);
    log('seen', { why: 'a\n<3>fake\r\nb' });
    expect(lines[0]?.trimEnd()).not.toMatch(/[\r\n]/);
  }
});
