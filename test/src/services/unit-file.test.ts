import { expect, test } from 'vitest';
import { unitFileWord } from '../../../src/services/unit-file.ts';

/**
 * systemd.syntax(7), "Quoting", and systemd.unit(5), "Specifiers"; checked against extract_first_word of systemd 252.
 */
test.each([
  ['-/etc/kubernetes', '-/etc/kubernetes'],
  ['-/etc/my certs', '"-/etc/my certs"'],
  ["-/etc/it's", `"-/etc/it's"`],
  [String.raw`-/etc/a"b\c`, String.raw`"-/etc/a\"b\\c"`],
  ['-/etc/%n/100%', '-/etc/%%n/100%%'],
  ['-/etc/\u00e9', '-/etc/\u00e9'],
])('writes %j into a unit file as %s', (text, word) => {
  expect(unitFileWord(text)).toBe(word);
});

test.each([
  '-/x\nExecStartPre=+/bin/sh',
  '-/x\r',
  '-/x\t',
  '-/x\0',
  '-/x\u007f',
  '-/x\u0085',
  '-/x\u2028',
  '-/x\ud800',
])('rejects %j in a unit file', (text) => {
  expect(unitFileWord(text)).toBeUndefined();
});
