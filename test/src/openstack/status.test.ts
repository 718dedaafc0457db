import { describe, expect, test } from 'vitest';
import { said, statusError } from '../../../src/openstack/status.ts';

const answer = (status: number, text = '', headers: Record<string, string> = {}) => ({
  status,
  text,
  headers,
});

test.each([
  [401, 'unauthorized'],
  [400, 'cloud-refused'],
  [403, 'cloud-refused'],
  [404, 'cloud-refused'],
  [409, 'cloud-refused'],
  [408, 'cloud-unreachable'],
  [425, 'cloud-unreachable'],
  [429, 'cloud-unreachable'],
  [500, 'cloud-unreachable'],
  [503, 'cloud-unreachable'],
  [204, 'bad-answer'],
  [302, 'bad-answer'],
])('maps status %d to %s', (status, code) => {
  expect(statusError('asking', answer(status))).toMatchObject({ code });
});

test("names the status once, even if a web server's page begins with it", () => {
  // As nginx writes it (src/http/ngx_http_special_response.c).
  const page =
    '<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n';
  expect(statusError('asking', answer(503, page)).message).toBe(
    'asking: 503 Service Temporarily Unavailable nginx',
  );
});

// RFC 9110, 15.6.4.
test('explains a status without a body', () => {
  expect(statusError('asking', answer(503, '')).message).toBe('asking: 503 Service Unavailable');
});

test('names the target of a redirect without path and query, which may be secret', () => {
  const { message } = statusError(
    'asking',
    answer(301, '', { location: 'https://new:8004/v1/s?Signature=abc' }),
  );
  expect(message).toContain('https://new:8004');
  expect(message).not.toMatch(/Signature|v1/);
});

const waitOf = (headers: Record<string, string>): number | undefined =>
  statusError('asking', answer(503, '', headers)).retryAfterMs;

describe('Retry-After (RFC 9110, 10.2.3)', () => {
  const date = 'Sat, 28 Nov 2026 20:00:00 GMT';

  test.each<[string, Record<string, string>, number]>([
    ['seconds', { 'retry-after': '7' }, 7000],
    ['a date, by the clock of the answer', { date, 'retry-after': 'Sat, 28 Nov 2026 20:00:30 GMT' }, 30_000],
    ['a date that has passed', { date, 'retry-after': 'Sat, 28 Nov 2026 19:00:00 GMT' }, 0],
    ['a date without a clock', { 'retry-after': 'Sat, 28 Nov 2026 20:00:30 GMT' }, 0],
    ['a negative number', { 'retry-after': '-5' }, 0],
    ['a day', { 'retry-after': '86400' }, 300_000],
    ['nothing', {}, 0],
  ])('%s', (_, headers, ms) => {
    expect(waitOf(headers)).toBe(ms);
  });
});

describe("the service's own words", () => {
  test.each([
    [
      'Keystone',
      '{"error":{"code":401,"message":"The request requires authentication."}}',
      'The request requires authentication.',
    ],
    [
      'Magnum',
      '{"errors":[{"status":404,"title":"Not Found","detail":"Cluster k1 could not be found."}]}',
      'Cluster k1 could not be found.',
    ],
    [
      'a proxy',
      '<html><body><h1>503</h1>\nNo server is available</body></html>',
      '503 No server is available',
    ],
    ['nobody', '', ''],
  ])('are extracted from %s', (_, text, words) => {
    expect(said(answer(500, text))).toBe(words);
  });

  test('are cut between words', () => {
    const text = said(answer(500, 'word '.repeat(1000)));
    expect(text.length).toBeLessThanOrEqual(300);
    expect(text).toMatch(/^(word )+\.\.\.$/);
  });
});
