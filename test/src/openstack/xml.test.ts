import { expect, test } from 'vitest';
import { textsWithin } from '../../../src/openstack/xml.ts';
import { thrownBy } from '../support/outcome-of.ts';

const PATH = ['ErrorResponse', 'Error'];

test('reads the texts of the elements at a path', () => {
  const text =
    '<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp; c</Message></Error></ErrorResponse>';
  expect(textsWithin(text, PATH, 'asking')).toEqual(
    new Map([
      ['Code', 'AccessDenied'],
      ['Message', 'a <b> & c'],
    ]),
  );
});

test.each(['<Other><Error/></Other>', '<ErrorResponse><Other/></ErrorResponse>'])(
  'finds nothing in %s',
  (text) => {
    expect(textsWithin(text, PATH, 'asking')).toBeUndefined();
  },
);

test.each([
  ['other content', '{"a": 1}'],
  ['nothing', ''],
  ['an answer that is cut', '<ErrorResponse><Error>geheim'],
  [
    'an entity of its own',
    '<!DOCTYPE a [<!ENTITY x "geheim">]><ErrorResponse><Error>&x;</Error></ErrorResponse>',
  ],
  [
    'an external entity',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ErrorResponse>&x;</ErrorResponse>',
  ],
])('rejects %s without quoting it', (_, text) => {
  const error = thrownBy(() => textsWithin(text, PATH, 'asking'));
  expect(error).toMatchObject({ code: 'bad-answer' });
  expect(error.message).not.toContain('geheim');
});
