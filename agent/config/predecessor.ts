import type { Remark } from '../../src/base/remark.ts';
import { SERVED_COLLECTORS } from '../../src/metadata/collector.ts';
import { faultOfSection } from './polling.ts';
import { isTrue } from '../../src/metadata/heat-params.ts';

/** A section of the predecessor's configuration: every value of a key, as text, in order. */
export type Section = ReadonlyMap<string, readonly string[]>;

/** Its configuration, whether it came as a file or in the metadata; `general` is what an INI file calls DEFAULT. */
export type PredecessorConfig = { general: Section; section(name: string): Section };

/** A part of its configuration that does not take effect: `of` is the collector, the option or the file. */
export type Ignored = Remark<
  | 'collector-not-served'
  | 'collector-not-configured'
  | 'collector-faulty'
  | 'option-without-counterpart'
  | 'intervals-swapped'
  | 'second-ca-file'
>;

/** Keys that hold a list; of any other key the last value counts. */
const LISTS = new Set(['path']);
const SWITCHES = new Set(['use_websockets']);

/** Each collector's options that mean something here. */
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

/** The options that another may refer to, with their defaults; `section` is a collector's name or DEFAULT. */
export const knownOptions = (section: string): ReadonlyMap<string, string> =>
  new Map(
    section === 'DEFAULT'
      ? Object.entries(GENERAL_OPTIONS)
      : (OPTIONS[section] ?? []).map((option) => [option, DEFAULTS[option] ?? '']),
  );

/** Collectors that the predecessor passes over when they are not configured. */
const CONFIGURED = ['heat', 'cfn', 'request', 'zaqar'];

/** The predecessor's own default, in its order; but facts of the server are asked when they are needed (`ec2`). */
const DEFAULT_COLLECTORS = ['heat_local', 'cfn', 'heat', 'request', 'local', 'zaqar'];

/**
 * The predecessor's words in ours: a part of our configuration, not yet checked. `collectors` and `poll` are
 * in it only if they were given. Options that mean nothing here are passed over.
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
 * Leaves the collectors that can be asked, of those that are named or else of the default, and no section of
 * another: as the predecessor does, one that lacks an option does not affect the others.
 *
 * @returns why each of the others is left out, of those that are named or configured
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
      return { code: 'collector-not-served', of: name, text: `${name} is not served` };
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
    instead: 'is not run: the agent does what deployments ask for by itself',
  },
  ...[{}, { section: 'cfn' }].map((where) => ({
    ...where,
    option: 'deployment_key',
    usual: /^deployments$/,
    instead: 'is not looked at: data that deployments bring is taken from "deployments" alone',
  })),
];

/** Options without a counterpart here. */
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

/** The time-out of all hooks, in seconds, from `os-refresh-config --timeout`. */
export function timeoutOf({ general }: PredecessorConfig): number | undefined {
  const [, seconds] = /\s--timeout[ =](\d+)/.exec(general.get('command')?.at(-1) ?? '') ?? [];
  return Number(seconds) || undefined;
}

/** The files of CAs that it names for a collector; here one holds for everything. */
export const trustedBy = ({ section }: PredecessorConfig): string[] => {
  const named = [section('cfn').get('ca_certificate'), section('zaqar').get('ca_file')];
  return [...new Set(named.flatMap((values) => values?.at(-1) ?? []))].filter((path) => path.startsWith('/'));
};

/** The given intervals; one alone comes with the other's default. */
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

/** `a`, a repeated key, `a,b` or `['a', 'b']`, as oslo.config and Heat's templates write lists. */
const listOf = (values: readonly string[] = []): string[] =>
  values
    .flatMap((item) => item.replaceAll(/[[\]'"]/g, '').split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
