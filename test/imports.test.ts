import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

/** The order in which data passes. A stage imports values from `base` and itself, types from earlier stages. */
const STAGES = [
  'metadata',
  'deployment',
  'operation',
  'hooks',
  'certificates',
  'files',
  'services',
  'signal',
];

/** The folders from which a folder may import `values` (and with them types), or only `types`. */
const ALLOWED: Record<string, { values: readonly string[]; types: readonly string[] }> = {
  'src/base': { values: ['src/base'], types: [] },
  'src/openstack': { values: ['src/base', 'src/openstack'], types: [] },
  ...Object.fromEntries(
    STAGES.map((stage, index) => [
      `src/${stage}`,
      {
        values: ['src/base', `src/${stage}`],
        types: STAGES.slice(0, index).map((earlier) => `src/${earlier}`),
      },
    ]),
  ),
  agent: { values: ['agent', 'src/base', ...STAGES.map((stage) => `src/${stage}`)], types: [] },
};

/**
 * The tiers of agent/, lowest first. A part is a folder and the file of that name beside it. It imports from itself,
 * from the parts of the lines above its own, and from the stages of src/.
 */
const TIERS: readonly (readonly string[])[] = [
  ['process-io', 'paths', 'events', 'journal', 'progress', 'config'],
  ['polling', 'waiting'],
  ['hands'],
  ['node', 'state-stamp'],
  ['plan', 'migration', 'phases'],
  ['rotation', 'revocation'],
  ['credentials'],
  ['compose'],
  ['inspection', 'audit'],
  ['peers'],
  ['execution'],
  ['pass'],
  ['upkeep', 'advance'],
  ['status-file', 'notify', 'lifecycle'],
  ['metrics'],
  ['node-report'],
  ['reporting'],
  ['daemon'],
  ['commands', 'supervise'],
  ['cli'],
  ['main'],
];

/** Only the composition root opens connections to the cloud. */
const ONLY_HERE: Record<string, readonly string[]> = {
  'src/openstack': [
    'agent/compose.ts',
    'agent/compose/cluster.ts',
    'agent/compose/kubernetes.ts',
    'agent/compose/see-cloud.ts',
    'agent/compose/person.ts',
    'agent/compose/person-login.ts',
    'agent/compose/queue.ts',
    'agent/compose/signals.ts',
  ],
};

/** Each outside package and its one place (a trailing slash: a folder); other packages must not be imported. */
const PACKAGES: Record<string, readonly string[] | 'anywhere'> = {
  valibot: 'anywhere',
  '@xmldom/xmldom': ['src/openstack/xml.ts'],
  'node-forge': ['src/certificates/csr.ts', 'src/certificates/crl.ts'],
  yaml: ['src/files/kubeconfig-document.ts', 'agent/config/yaml.ts'],
  execa: ['src/services/', 'src/hooks/start.ts'],
  chokidar: ['src/metadata/watch.ts'],
  pino: ['src/base/log.ts'],
  commander: ['agent/cli.ts'],
  cliui: ['agent/commands/table.ts'],
  'string-width': ['agent/commands/table.ts'],
  ws: ['src/openstack/web-socket.ts'],
};

/** External inputs, and the files that may read them (a trailing slash: a folder). */
const ENTRANCES: readonly { what: string; pattern: RegExp; only: readonly string[] }[] = [
  {
    what: 'the time',
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bDate\(\)/,
    only: ['agent/', 'src/base/clock.ts'],
  },
  // systemd compares it with its own.
  {
    what: 'the monotonic time',
    pattern: /\bperformance\.now\b|\bhrtime\b/,
    only: ['src/base/clock.ts', 'agent/notify.ts'],
  },
  {
    what: 'randomness',
    pattern: /\bMath\.random\b|\brandom(Bytes|UUID|Int)\b/,
    only: ['agent/', 'src/base/clock.ts'],
  },
  { what: 'the environment', pattern: /\bprocess\.(env|argv)\b/, only: ['agent/', 'src/base/clock.ts'] },
  {
    what: 'a timer',
    pattern: /\bset(Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b/,
    only: ['src/base/clock.ts', 'src/metadata/watch.ts'],
  },
];

/** Files that wait for a time rather than for a condition, with the reason. base/poll.ts waits for conditions. */
const WAITS: Record<string, string> = {
  'src/base/clock.ts': 'is the clock',
  'src/base/poll.ts': 'waits for a condition',
  'src/base/retry.ts': 'tries again',
  'agent/daemon.ts': 'the wait between two passes',
  'agent/commands/await-configuration.ts': 'a file that cannot be watched is looked for',
  'agent/commands/fleet/watch.ts': 'looks again while a person watches',
  'agent/notify.ts': "the beat of systemd's watchdog",
  'src/services/replace-pods.ts': 'pods are replaced a few a second',
  'agent/execution/units.ts': 'a unit must last for a while',
  'src/hooks/child.ts': 'the deadline of a program',
  'src/hooks/run.ts': "looks at a run's files, with output to read at each look",
  'agent/compose/signals.ts': 'hands the wait to signal/put-answer.ts',
  'src/signal/put-answer.ts': 'Heat compares whole seconds: an answer is put once more two seconds later',
  'src/signal/send.ts': 'hands it on',
  'src/metadata/listen.ts': 'the bell rings once more; a refused websocket rests',
  'src/openstack/zaqar-socket.ts': 'the ping of a websocket',
  'src/services/workloads.ts': 'so many workloads a second',
};

const LONGEST = 250;

/** Everything that an idle daemon loads: its passes, its look at the node, and the report on its Node. */
const IDLE = [
  'agent/main.ts',
  'agent/commands/run.ts',
  'agent/upkeep.ts',
  'agent/node-report/own-report.ts',
  'agent/node-report/on-node.ts',
  'src/services/systemctl.ts',
];
/** Packages that only other work needs. */
const LAZY = ['node-forge', 'execa', 'ws', '@xmldom/xmldom', 'cliui', 'string-width'];

type Import = { to: string; typesOnly: boolean; lazy?: true };
type Source = { path: string; text: string; code: string; imports: Import[] };

const root = resolve(import.meta.dirname, '..');
const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
    .toSorted();

function read(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8');
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
  const imports: Import[] = [];
  for (const [, clause = '', to = ''] of code.matchAll(
    /^(?:import|export)\s+([^;'"]*?\s+from\s+)?'([^']+)'/gm,
  ))
    imports.push({ to, typesOnly: isOfTypes(clause) });
  for (const [, to = ''] of code.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g))
    imports.push({ to, typesOnly: false, lazy: true });
  return { path, text, code, imports };
}

/** Matches `type { A }` or `{ type A, type B }`. */
function isOfTypes(clause: string): boolean {
  if (/^type\s/.test(clause)) return true;
  const names = /^\{([^}]*)\}\s*from\s*$/.exec(clause.trim() === clause ? clause : clause.trimStart())?.[1];
  const items =
    names
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean) ?? [];
  return items.length > 0 && items.every((item) => item.startsWith('type '));
}

const sources = [...filesBelow('src'), ...filesBelow('agent')]
  .filter((path) => !path.endsWith('.d.ts'))
  .map(read);
const folderOf = (path: string): string =>
  path.startsWith('src/') ? path.split('/').slice(0, 2).join('/') : (path.split('/')[0] ?? '');
/** Returns `pass` for agent/pass.ts and for agent/pass/settle.ts. */
const partOf = (path: string): string => (path.split('/')[1] ?? '').replace(/\.ts$/, '');
const tierOf = (part: string): number => TIERS.findIndex((tier) => tier.includes(part));
const isIn = (places: readonly string[], path: string): boolean =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place));
const isRelative = (to: string): boolean => to.startsWith('.');
const target = (from: Source, to: string): string => relative(root, resolve(root, from.path, '..', to));

/** Returns one line for each fault that `find` sees in a file. */
const faults = (find: (source: Source) => string[]): string[] =>
  sources.flatMap((source) => find(source).map((fault) => `${source.path}: ${fault}`));

test('the parser of imports sees every file and its imports', () => {
  expect(sources.length).toBeGreaterThan(60);
  const restart = sources.find(({ path }) => path === 'src/services/restart.ts');
  expect(restart?.imports).toContainEqual({ to: '../base/clock.ts', typesOnly: true });
  expect(restart?.imports).toContainEqual({ to: '../base/errors.ts', typesOnly: false });
  expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(300);
});

test('every folder imports only from those before it in the river', () => {
  const found = faults((source) => {
    const allowed = ALLOWED[folderOf(source.path)] ?? { values: [], types: [] };
    return source.imports
      .filter(({ to }) => isRelative(to))
      .flatMap(({ to, typesOnly }) => {
        const file = target(source, to);
        const folder = folderOf(file);
        if (file === 'package.json' && folderOf(source.path) === 'agent') return [];
        if (ONLY_HERE[folder]?.includes(source.path) === true) return [];
        if (allowed.values.includes(folder) || (typesOnly && allowed.types.includes(folder))) return [];
        return [`imports ${typesOnly ? 'types' : 'values'} from ${file}`];
      });
  });
  expect(found).toEqual([]);
});

test('every part of agent/ imports only from the tiers below its own', () => {
  const found = faults((source) => {
    if (folderOf(source.path) !== 'agent') return [];
    const part = partOf(source.path);
    return source.imports
      .filter(({ to }) => isRelative(to))
      .map(({ to }) => target(source, to))
      .filter((file) => folderOf(file) === 'agent' && partOf(file) !== part)
      .filter((file) => tierOf(partOf(file)) >= tierOf(part))
      .map((file) => `imports ${file}, which is no tier below`);
  });
  expect(found).toEqual([]);
});

test('every part of agent/ has a tier', () => {
  const parts = [
    ...new Set(
      sources
        .map(({ path }) => path)
        .filter((path) => folderOf(path) === 'agent')
        .map(partOf),
    ),
  ];
  expect(parts.filter((part) => !TIERS.flat().includes(part))).toEqual([]);
});

test('every folder of src/ is a stage, base or openstack', () => {
  const folders = [...new Set(sources.map(({ path }) => folderOf(path)))];
  expect(folders.filter((folder) => !(folder in ALLOWED))).toEqual([]);
});

test('each outside package is used in its one place', () => {
  const found = faults((source) =>
    source.imports
      .filter(({ to }) => !isRelative(to) && !to.startsWith('node:'))
      .filter(({ to }) => {
        const places = PACKAGES[to];
        return places !== 'anywhere' && !isIn(places ?? [], source.path);
      })
      .map(({ to }) => `imports the package ${to}`),
  );
  expect(found).toEqual([]);
});

test('an idle daemon loads no package that only other work needs', () => {
  const seen = new Set<string>();
  const found: string[] = [];
  const walk = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const source = sources.find((one) => one.path === path);
    for (const { to, typesOnly, lazy } of source?.imports ?? []) {
      if (LAZY.includes(to) && lazy !== true) found.push(`${path} imports ${to}`);
      if (source && isRelative(to) && !typesOnly && lazy !== true) walk(target(source, to));
    }
  };
  for (const path of IDLE) walk(path);
  expect(IDLE.filter((path) => !sources.some((one) => one.path === path))).toEqual([]);
  expect(seen.size).toBeGreaterThan(100);
  expect(found).toEqual([]);
});

test('relative imports name the file with its extension', () => {
  const found = faults(({ imports }) =>
    imports.filter(({ to }) => isRelative(to) && !/\.(ts|json)$/.test(to)).map(({ to }) => `imports ${to}`),
  );
  expect(found).toEqual([]);
});

test('exports have names and are in their own file: no default exports, no barrels', () => {
  const found = faults(({ code }) =>
    [...code.matchAll(/^export\s+(?:default\b|\*|(?:type\s+)?\{[^}]*\}\s*from\b).*$/gm)].map(
      ([line]) => line,
    ),
  );
  expect(found).toEqual([]);
});

test.each(ENTRANCES)('only $only reads $what', ({ pattern, only }) => {
  const found = faults(({ path, code }) =>
    isIn(only, path)
      ? []
      : code
          .split('\n')
          .filter((line) => pattern.test(line))
          .map((line) => line.trim()),
  );
  expect(found).toEqual([]);
});

test('only base/poll.ts and base/retry.ts wait for a change', () => {
  const found = faults(({ path, code }) =>
    path in WAITS || !/\bsleep\(|\.sleep\b/.test(code) ? [] : ['sleeps: use pollUntil of base/poll.ts'],
  );
  expect(found).toEqual([]);
});

test(`no file is longer than ${LONGEST} lines`, () => {
  expect(faults(({ text }) => (text.split('\n').length > LONGEST + 1 ? ['too long'] : []))).toEqual([]);
});

test('there are no import cycles, also of types', () => {
  const seen = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) cycles.push([...above.slice(above.indexOf(path)), path].join(' -> '));
    if (seen.has(path)) return;
    seen.add(path);
    const source = sources.find((one) => one.path === path);
    for (const { to } of source?.imports ?? [])
      if (source && isRelative(to)) walk(target(source, to), [...above, path]);
  };
  for (const { path } of sources) walk(path, []);
  expect(cycles).toEqual([]);
});

test('every export and every file is used', () => {
  const users = [...sources, ...[...filesBelow('test'), ...filesBelow('scripts')].map(read)];
  const importersOf = Map.groupBy(
    users.flatMap((user) => user.imports.map(({ to }) => ({ user, to }))),
    ({ user, to }) => (isRelative(to) ? target(user, to) : to),
  );
  const found = faults(({ path, code }) => {
    if (path === 'agent/main.ts') return [];
    const importers = (importersOf.get(path) ?? []).map(({ user }) => user);
    if (importers.length === 0) return ['no file imports it'];
    const names = [...code.matchAll(/^export\s+(?:async\s+)?(?:const|function|class|type)\s+(\w+)/gm)];
    return (
      names
        .map(([, name = '']) => name)
        .filter((name) => !importers.some((user) => new RegExp(`\\b${name}\\b`).test(user.code)))
        // A type may exist only as a name in the signature that uses it.
        .filter((name) => code.match(new RegExp(`\\b${name}\\b`, 'g'))?.length === 1)
        .map((name) => `exports ${name}, which nobody uses`)
    );
  });
  expect(found).toEqual([]);
});
