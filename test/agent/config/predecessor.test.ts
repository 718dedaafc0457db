import { describe, expect, test } from 'vitest';
import {
  knownOptions,
  type PredecessorConfig,
  timeoutOf,
  translatePredecessor,
  trustedBy,
  withoutCounterpart,
  withUsableCollectors,
} from '../../../agent/config/predecessor.ts';

type Values = Readonly<Record<string, string | readonly string[]>>;

const sectionOf = (values: Values = {}): Map<string, readonly string[]> =>
  new Map(Object.entries(values).map(([key, value]) => [key, [value].flat()]));

const configOf = (general: Values, sections: Readonly<Record<string, Values>> = {}): PredecessorConfig => ({
  general: sectionOf(general),
  section: (name) => sectionOf(sections[name]),
});

const codesOf = (config: PredecessorConfig): string[] =>
  withoutCounterpart(config).map(({ code, of }) => `${code} ${of}`);

describe('translatePredecessor', () => {
  test('takes the last value of an option, every value of a list, and a switch as true or false', () => {
    const config = configOf(
      { collectors: ['[\'heat\', "zaqar"]', 'local , '] },
      {
        heat: { user_id: ['former', 'u'], stack_name: 'no option of heat' },
        zaqar: { queue_id: 'q', use_websockets: 'True' },
        local: { path: ['/a,/b', '/c'] },
        cfn: { metadata_url: '' },
      },
    );
    expect(translatePredecessor(config)).toEqual({
      collectors: ['heat', 'zaqar', 'local'],
      heat: { user_id: 'u' },
      zaqar: { queue_id: 'q', use_websockets: true },
      local: { path: ['/a', '/b', '/c'] },
    });
  });

  test.each<[Values, object | undefined]>([
    [{}, undefined],
    [{ polling_interval: '20' }, { min_seconds: 1, max_seconds: 20 }],
    [{ min_polling_interval: '5' }, { min_seconds: 5, max_seconds: 30 }],
    [{ polling_interval: 'soon' }, { min_seconds: 1, max_seconds: 30 }],
    [
      { polling_interval: '2', min_polling_interval: '4' },
      { min_seconds: 2, max_seconds: 2 },
    ],
    [{ splay: '0' }, { splay_seconds: 0 }],
    [{ splay: 'x' }, undefined],
  ])('reads the intervals of %o', (general, poll) => {
    expect(translatePredecessor(configOf(general))['poll']).toEqual(poll);
  });
});

describe('withUsableCollectors', () => {
  const HEAT = {
    auth_url: 'http://k/v3',
    user_id: 'u',
    password: 'p',
    project_id: 'p',
    stack_id: 's/1',
    resource_name: 'r',
  };

  test('keeps named collectors in order, and says why it drops the others', () => {
    const { value, leftOut } = withUsableCollectors({
      collectors: ['local', 'unknown', 'cfn', 'heat', 'request'],
      heat: HEAT,
      request: {},
    });
    expect(value.collectors).toEqual(['local', 'heat']);
    expect(leftOut).toMatchObject([
      { code: 'collector-not-served', of: 'unknown' },
      { code: 'collector-not-configured', of: 'cfn' },
      { code: 'collector-faulty', of: 'request' },
    ]);
  });

  test('uses those of the default with a section, and reports none without one', () => {
    expect(withUsableCollectors({ heat: HEAT })).toEqual({
      value: { collectors: ['heat_local', 'heat', 'local'], heat: HEAT },
      leftOut: [],
    });
  });

  test('drops the section of an unused collector, which the configuration would check', () => {
    const { value } = withUsableCollectors({ collectors: ['local'], heat: HEAT, poll: { max_seconds: 3 } });
    expect(value).toEqual({ collectors: ['local'], poll: { max_seconds: 3 } });
  });
});

describe('withoutCounterpart', () => {
  test.each<[string, PredecessorConfig]>([
    ['its usual command', configOf({ command: '/usr/bin/os-refresh-config --timeout 14400' })],
    [
      'the usual key',
      configOf({ deployment_key: 'deployments' }, { cfn: { deployment_key: 'deployments' } }),
    ],
    ['an empty option', configOf({ command: '' })],
    ['ordered intervals', configOf({ polling_interval: '30', min_polling_interval: '30' })],
  ])('does not report %s', (_, config) => {
    expect(codesOf(config)).toEqual([]);
  });

  test.each<[string, PredecessorConfig, string]>([
    ['another command', configOf({ command: 'os-refresh-config-2' }), 'option-without-counterpart command'],
    ['another key', configOf({ deployment_key: 'x' }), 'option-without-counterpart deployment_key'],
    [
      'another key of cfn',
      configOf({}, { cfn: { deployment_key: 'x' } }),
      'option-without-counterpart deployment_key',
    ],
    [
      'swapped intervals',
      configOf({ polling_interval: '2', min_polling_interval: '4' }),
      'intervals-swapped min_polling_interval',
    ],
  ])('names %s', (_, config, code) => {
    expect(codesOf(config)).toEqual([code]);
  });
});

test.each([
  ['os-refresh-config --timeout 14400', 14_400],
  ['os-refresh-config --timeout=60 --lockfile x', 60],
  ['os-refresh-config', undefined],
  ['os-refresh-config --timeout 0', undefined],
])('reads the time-out of "%s"', (command, seconds) => {
  expect(timeoutOf(configOf({ command }))).toBe(seconds);
});

const trusted = (cfn: string, zaqar: string): string[] =>
  trustedBy(configOf({}, { cfn: { ca_certificate: cfn }, zaqar: { ca_file: zaqar } }));

test('names each CA file once, and no relative path', () => {
  expect(trusted('/a.pem', '/a.pem')).toEqual(['/a.pem']);
  expect(trusted('/a.pem', '/b.pem')).toEqual(['/a.pem', '/b.pem']);
  expect(trusted('a.pem', '')).toEqual([]);
});

test("returns a section's options with their defaults, and none of an unknown section", () => {
  expect(knownOptions('DEFAULT').get('polling_interval')).toBe('30.0');
  expect(knownOptions('cfn').get('heat_metadata_hint')).toBe('/var/lib/heat-cfntools/cfn-metadata-server');
  expect(knownOptions('heat').get('password')).toBe('');
  expect(knownOptions('keystone_authtoken').size).toBe(0);
});
