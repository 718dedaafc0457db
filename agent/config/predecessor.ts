import type { Remark } from '../../src/base/remark.ts';
import { SERVED_COLLECTORS } from '../../src/metadata/collector.ts';
import { faultOfSection } from './polling.ts';
import { isTrue } from '../../src/metadata/heat-params.ts';

/** A section of the predecessor's configuration: all values of each key as text, in order. */
export type Section = ReadonlyMap<string, readonly string[]>;

/**
 * The predecessor's configuration, from a file or from the metadata. `general` is the section DEFAULT of an INI file.
 */
export type PredecessorConfig = { general: Section; section(name: string): Section };

/** A part of its configuration that does not take effect. `of` is the collector, the option or the file. */
export type Ignored = Remark<
  | 'collector-not-served'
  | 'collector-not-configured'
  | 'collector-faulty'
  | 'option-without-counterpart'
  | 'intervals-swapped'
  | 'second-ca-file'
>;

/** Keys that hold a list. For every other key, the last value applies. */
const LISTS = new Set(['path']);
const SWITCHES = new Set(['use_websockets']);

/** The options of each collector that have a meaning here. */
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  heat: ['auth_url', 'user_id', 'password', 'project_id', 'stack_id', 'resource_name', 'region_name'],
  cfn: ['metadata_url', 'heat_metadata_hint', 'stack_name', 'path', 'access_key_id', 'secret_access_key'],
  request: ['metadata_url'],
  zaqar: ['auth_url', 'user_id', 'password', 'project_id', 'queue_id', 'region_name', 'use_websockets'],
  ec2: ['metadata_url'],
  heat_local: ['path'],
  local: ['path'],
};

/** Its other options, with their defaults. */
const GENERAL_OPTIONS: Readonly<Record<string, string>> = {
  command: '',
  cachedir: '/var/lib/os-collect-config',
  backup_cachedir: '/var/run/os-collect-config',
  polling_interval: '30.0',
  min_polling_interval: '1.0',
  splay: '0',
};
const DEFAULTS: Readonly<Record<string, string>> = {
  heat_metadata_hint: '/var/lib/heat-cfntools/cfn-metadata-server',
};

/** Returns the options that others may refer to, with their defaults. `section` is a collector's name or DEFAULT. */
export const knownOptions = (section: string): ReadonlyMap<string, string> =>
  new Map(
    section === 'DEFAULT'
      ? Object.entries(GENERAL_OPTIONS)
      : (OPTIONS[section] ?? []).map((option) => [option, DEFAULTS[option] ?? '']),
  );

/** Collectors that the predecessor skips if they are not configured. */
const CONFIGURED = ['heat', 'cfn', 'request', 'zaqar'];

/** The predecessor's default, in its order, except `ec2`: facts of the server are requested when they are needed. */
const DEFAULT_COLLECTORS = ['heat_local', 'cfn', 'heat', 'request', 'local', 'zaqar'];

/**
 * Translates the predecessor's options into a part of our configuration, not yet validated. `collectors` and `poll` are
 * present only if they were given. Options without a meaning here are ignored.
 */
export function translatePredecessor({ general, section }: PredecessorConfig): Record<string, unknown> {
  const collectors = listOf(general.get('collectors'));
  const sections = Object.entries(OPTIONS).flatMap(([name, options]) => {
    const found = options.flatMap((option) => valueOf(option, section(name).get(option)));
    return found.length > 0 ? [[name, Object.fromEntries(found)] as const] : [];
  });
  const poll = pollOf(general);
  return {
    ...(collectors.length > 0 ? { collectors } : {}),
    ...Object.fromEntries(sections),
    ...(poll ? { poll } : {}),
  };
}

function valueOf(option: string, values: readonly string[] = []): [string, string | string[] | boolean][] {
  const list = listOf(values);
  const last = values.at(-1) ?? '';
  if (LISTS.has(option)) return list.length > 0 ? [[option, list]] : [];
  if (last === '') return [];
  return [[option, SWITCHES.has(option) ? isTrue(last) : last]];
}

type Usable = { collectors: string[]; [section: string]: unknown };

/**
 * Keeps the usable collectors of those that are named, or of the default, and removes the other sections. As in the
 * predecessor, a collector that lacks an option does not affect the others.
 *
 * @returns why each named or configured collector is left out
 */
export function withUsableCollectors({ collectors: named, ...rest }: Record<string, unknown>): {
  value: Usable;
  leftOut: Ignored[];
} {
  const served: readonly string[] = SERVED_COLLECTORS;
  const isGiven = (name: string): boolean => !CONFIGURED.includes(name) || name in rest;
  const wanted = Array.isArray(named) ? named.map(String) : DEFAULT_COLLECTORS.filter(isGiven);
  const faultOf = (name: string): Ignored | undefined => {
    if (!served.includes(name))
      return { code: 'collector-not-served', of: name, text: `${name} is not supported` };
    if (!isGiven(name))
      return { code: 'collector-not-configured', of: name, text: `${name} is not configured` };
    const text = faultOfSection(name, rest[name]);
    return text === undefined ? undefined : { code: 'collector-faulty', of: name, text };
  };
  const judged = wanted.map((name) => ({ name, fault: faultOf(name) }));
  const collectors = judged.filter(({ fault }) => fault === undefined).map(({ name }) => name);
  const unused = CONFIGURED.filter((name) => !collectors.includes(name));
  const sections = Object.entries(rest).filter(([name]) => !unused.includes(name));
  return {
    value: { ...Object.fromEntries(sections), collectors },
    leftOut: judged.flatMap(({ fault }) => fault ?? []),
  };
}

/** Options that change the predecessor's behaviour, unless they repeat its default. */
const NOT_SERVED: readonly { section?: string; option: string; usual: RegExp; instead: string }[] = [
  {
    option: 'command',
    usual: /^(\S*\/)?os-refresh-config(\s|$)/,
    instead: 'is ignored: the agent executes deployments itself',
  },
  ...[{}, { section: 'cfn' }].map((where) => ({
    ...where,
    option: 'deployment_key',
    usual: /^deployments$/,
    instead: 'is ignored: the agent reads deployments only from the key "deployments"',
  })),
];

/** Lists the options without a counterpart here. */
export const withoutCounterpart = ({ general, section }: PredecessorConfig): Ignored[] => [
  ...NOT_SERVED.flatMap(({ section: name, option, usual, instead }) =>
    ((name === undefined ? general : section(name)).get(option) ?? [])
      .filter((value) => value !== '' && !usual.test(value))
      .map((value) => ({
        code: 'option-without-counterpart' as const,
        of: option,
        text: `${option} = ${value} ${instead}`,
      })),
  ),
  ...swappedIntervals(general),
];

function swappedIntervals(general: Section): Ignored[] {
  const { fastest, slowest } = intervalsOf(general);
  return fastest > slowest
    ? [
        {
          code: 'intervals-swapped',
          of: 'min_polling_interval',
          text: `min_polling_interval = ${fastest} is larger than polling_interval = ${slowest}, which takes effect`,
        },
      ]
    : [];
}

/** Returns the time-out of all hooks in seconds, from `os-refresh-config --timeout`. */
export function timeoutOf({ general }: PredecessorConfig): number | undefined {
  const [, seconds] = /\s--timeout[ =](\d+)/.exec(general.get('command')?.at(-1) ?? '') ?? [];
  return Number(seconds) || undefined;
}

/** Lists the CA files that it names for single collectors. Here, one file applies to all of them. */
export const trustedBy = ({ section }: PredecessorConfig): string[] => {
  const named = [section('cfn').get('ca_certificate'), section('zaqar').get('ca_file')];
  return [...new Set(named.flatMap((values) => values?.at(-1) ?? []))].filter((path) => path.startsWith('/'));
};

/** Returns the given intervals. If only one is given, the other has its default. */
function pollOf(general: Section): Record<string, number> | undefined {
  const hasInterval = ['polling_interval', 'min_polling_interval'].some((key) => general.has(key));
  const { fastest, slowest } = intervalsOf(general);
  const splay = Number(general.get('splay')?.at(-1));
  const poll = {
    ...(hasInterval && { min_seconds: Math.min(fastest, slowest), max_seconds: slowest }),
    ...(splay >= 0 && { splay_seconds: splay }),
  };
  return Object.keys(poll).length > 0 ? poll : undefined;
}

const intervalsOf = (general: Section): { fastest: number; slowest: number } => ({
  slowest: Number(general.get('polling_interval')?.at(-1) ?? 30) || 30,
  fastest: Number(general.get('min_polling_interval')?.at(-1) ?? 1) || 1,
});

/**
 * Parses `a`, a repeated key, `a,b` or `['a', 'b']`: the forms in which oslo.config and Heat's templates write lists.
 */
const listOf = (values: readonly string[] = []): string[] =>
  values
    .flatMap((item) => item.replaceAll(/[[\]'"]/g, '').split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
