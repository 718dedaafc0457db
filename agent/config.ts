import { join } from 'node:path';
import * as v from 'valibot';
import { BUILT_IN } from '../src/certificates/choose-layout.ts';
import { type Layout, ROLES } from '../src/certificates/layout.ts';
import { OwnLayout } from '../src/certificates/own-layout.ts';
import { KEY_ALGORITHMS } from '../src/certificates/key.ts';
import type { Disk } from '../src/base/disk.ts';
import { AgentError } from '../src/base/errors.ts';
import { readTrusted } from '../src/base/trust.ts';
import { describeIssues } from '../src/base/issue.ts';
import { mergeDeep } from '../src/base/json.ts';
import { nearestTo } from '../src/base/nearest.ts';
import { LOG_LEVELS } from '../src/base/log.ts';
import type { Settings } from '../src/operation/operation.ts';
import { PHASES } from '../src/operation/phase.ts';
import { loadLayouts } from './config/layouts.ts';
import { absolutePath, checkPolling, pollingEntries, seconds } from './config/polling.ts';
import type { Ignored } from './config/predecessor.ts';

export const CONFIG_PATH = '/etc/coe-agent/agent.yaml';
export const HEAT_PARAMS = '/etc/sysconfig/heat-params';

/** systemd.resource-control(5) */
const MEMORY = /^(\d+[KMGT]?|\d+%|infinity)$/;

/** Seconds. The kubelet renews a pod's token at 80% of its lifetime (mostly an hour), or after one day. */
const DAY_AND_HOUR = 90_000;

const DAY = 86_400;

/** RFC 1123, as Kubernetes validates it. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * The schema of /etc/coe-agent/agent.yaml and agent.d/*.yaml. docs/configuration.md lists every key with its meaning.
 */
export const ConfigSchema = v.strictObject({
  ...pollingEntries,
  heat_params: v.optional(absolutePath, HEAT_PARAMS),
  layout: v.optional(v.string(), 'auto'),
  layouts: v.optional(v.array(OwnLayout), []),
  keys: v.optional(v.picklist(KEY_ALGORITHMS), 'rsa-4096'),
  cloud: v.optional(
    v.strictObject({
      ca_file: v.optional(absolutePath),
      /** A login of the node that replaces its trustee. */
      application_credential: v.optional(
        v.strictObject({ id: v.pipe(v.string(), v.nonEmpty()), secret: v.pipe(v.string(), v.nonEmpty()) }),
      ),
      deadline_seconds: v.optional(seconds, 60),
      patience_seconds: v.optional(seconds, 600),
    }),
    {},
  ),
  services: v.optional(
    v.strictObject({
      deadline_seconds: v.optional(seconds, 120),
      settle_seconds: v.optional(v.pipe(v.number(), v.minValue(0)), 2),
      units: v.optional(
        v.record(
          v.string(),
          v.strictObject({
            host: v.optional(v.string()),
            port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
            deadline_seconds: v.optional(seconds),
            settle_seconds: v.optional(v.pipe(v.number(), v.minValue(0))),
            prove: v.optional(v.boolean()),
            health: v.optional(v.union([v.pipe(v.string(), v.regex(/^https?:/)), v.literal(false)])),
          }),
        ),
        {},
      ),
    }),
    {},
  ),
  reconcile: v.optional(v.picklist(['report', 'renew', 'all']), 'renew'),
  reconcile_interval_seconds: v.optional(seconds, 21_600),
  rotation: v.optional(
    v.strictObject({
      /**
       * Default in a Kubernetes cluster of several nodes: `auto`. It runs `trust` on request, and the other phases when
       * the peers are ready.
       */
      phase: v.optional(v.picklist([...PHASES, 'auto'])),
      /** Seconds for which the former CA remains trusted while other nodes are behind. */
      retire_within: v.optional(seconds, DAY),
    }),
    {},
  ),
  magnum: v.optional(
    v.strictObject({ deployment: v.optional(v.picklist(['native', 'script']), 'native') }),
    {},
  ),
  service_account: v.optional(
    v.strictObject({ grace_seconds: v.optional(v.pipe(v.number(), v.minValue(0)), DAY_AND_HOUR) }),
    {},
  ),
  workloads: v.optional(
    v.strictObject({
      restart: v.optional(v.boolean(), false),
      namespaces: v.optional(
        v.array(v.pipe(v.string(), v.regex(NAMESPACE, 'is not a name of a namespace'))),
        ['kube-system'],
      ),
      per_second: v.optional(v.pipe(v.number(), v.minValue(0.01), v.maxValue(100)), 2),
      deadline_seconds: v.optional(seconds, 600),
    }),
    {},
  ),
  generations: v.optional(
    v.strictObject({
      /** The number of replaced generations to keep for `agent rollback`. */
      keep: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(10)), 2),
      /** Also keeps generations whose CA was retired. */
      keep_retired: v.optional(v.boolean(), false),
    }),
    {},
  ),
  scripts: v.optional(
    v.strictObject({
      timeout_seconds: v.optional(seconds, 3600),
      grace_seconds: v.optional(seconds, 10),
      memory_max: v.optional(v.union([v.pipe(v.number(), v.integer()), v.pipe(v.string(), v.regex(MEMORY))])),
      tasks_max: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
    }),
    {},
  ),
  hooks: v.optional(v.strictObject({ path: v.optional(v.array(absolutePath), []) }), {}),
  notify: v.optional(v.strictObject({ command: v.optional(absolutePath) }), {}),
  metrics: v.optional(
    v.strictObject({
      file: v.optional(
        v.pipe(absolutePath, v.regex(/\.prom$/, 'must end in .prom: node_exporter reads only such files')),
      ),
    }),
    {},
  ),
  /** Writes the node's state and events to its Node in Kubernetes. */
  node_report: v.optional(v.boolean(), true),
  log_level: v.optional(v.picklist(LOG_LEVELS), 'info'),
});

export type Config = Omit<v.InferOutput<typeof ConfigSchema>, 'layouts'> & {
  /** The operator's own layouts, from `layouts` and layouts.d/*.yaml. */
  readonly layouts: readonly Layout[];
  /** The files it was read from, for `agent plan` and messages. */
  readonly sources: readonly string[];
};

/** Parts of a configuration that do not take effect as written. */
export type ConfigNotice =
  | { event: 'setting-ignored'; fields: { why: string } }
  | { event: 'unit-unknown'; fields: { unit: string; nearest: string | undefined } };

export type ConfigOptions = {
  /** A person named the file, so it must exist. */
  isNamed?: boolean;
  /** `false`: the verb collects nothing, so neither a collector nor a file is required. */
  collects?: boolean;
};

/**
 * Loads the configuration of this node: `path` and the drop-ins beside it (`agent.d/*.yaml`; later names override
 * earlier ones). If none of them configures polling, they are merged over the configuration of os-collect-config on
 * this node.
 *
 * @throws `config` with file, line and key, and for a file that users other than root can change
 */
export async function loadConfig(
  disk: Disk,
  path: string,
  notice: (notice: ConfigNotice) => void,
  { isNamed = false, collects = true }: ConfigOptions = {},
): Promise<Config> {
  if (isNamed && (await disk.info(path)) === undefined)
    throw new AgentError('config', `--config: ${path} does not exist`, { reason: 'file-missing' });
  const dropIns = dropInsOf(path);
  const names = (await disk.list(dropIns)).filter((name) => /\.ya?ml$/.test(name));
  const parts: { source: string; value: Record<string, unknown> }[] = [];
  for (const source of [path, ...names.map((name) => join(dropIns, name))]) {
    const text = await readTrusted(disk, source, 'config');
    if (text === undefined) continue;
    const { parseConfigFile } = await import('./config/yaml.ts');
    parts.push({ source, value: parseConfigFile(source, text, ConfigSchema) });
  }
  if (!parts.some(({ value }) => saysHowToPoll(value))) {
    const { OS_COLLECT_CONFIG, translateOsCollectConfig } = await import('./config/os-collect.ts');
    const text = await readTrusted(disk, OS_COLLECT_CONFIG, 'config');
    if (text === undefined && parts.length === 0 && collects)
      throw new AgentError('config', `no configuration: neither ${path} nor ${OS_COLLECT_CONFIG} exists`, {
        reason: 'no-configuration',
      });
    const tell = ({ text: why }: Ignored): void => {
      notice({ event: 'setting-ignored', fields: { why } });
    };
    if (text !== undefined)
      parts.unshift({ source: OS_COLLECT_CONFIG, value: translateOsCollectConfig(text, tell, collects) });
  }

  const sources = parts.map(({ source }) => source);
  const merged = parts.reduce<Record<string, unknown>>((all, { value }) => mergeDeep(all, value), {});
  const parsed = v.safeParse(ConfigSchema, merged);
  if (!parsed.success)
    throw new AgentError('config', `${sources.join(', ')}: ${describeIssues(parsed.issues)}`, {
      reason: 'incomplete',
    });
  const config = collects ? parsed.output : { ...parsed.output, collectors: [] };
  if (collects) checkPolling(config, sources.join(', '));
  const layouts = await loadLayouts(disk, path, config.layouts);
  for (const unknown of unknownUnits(Object.keys(config.services.units), layouts))
    notice({ event: 'unit-unknown', fields: unknown });
  return Object.freeze({ ...config, layouts, sources });
}

/** Returns the configuration that replaces an invalid one: no collectors, and the defaults. */
export const fallbackConfig = (): Config =>
  Object.freeze({ ...v.parse(ConfigSchema, { collectors: [] }), layouts: [], sources: [] });

/** Whether a configuration names collectors or contains the section of a collector that needs one. */
const saysHowToPoll = (value: Record<string, unknown>): boolean =>
  ['collectors', 'heat', 'cfn', 'request', 'zaqar'].some((key) => key in value);

/** Lists names below `services.units` that no layout contains, each with the most similar known name. */
function unknownUnits(
  names: readonly string[],
  own: readonly Layout[],
): { unit: string; nearest: string | undefined }[] {
  const known = [...BUILT_IN, ...own].flatMap(({ roles }) =>
    ROLES.flatMap((role) => roles[role].units.map(({ unit }) => unit)),
  );
  return names
    .filter((name) => !known.includes(name))
    .map((unit) => ({ unit, nearest: nearestTo(unit, known) }));
}

/** Returns the part of the configuration that decodes deployments. */
export const asConfigured = ({ rotation, magnum }: Pick<Config, 'rotation' | 'magnum'>): Settings => ({
  phase: rotation.phase === 'auto' ? 'trust' : rotation.phase,
  magnum: magnum.deployment,
});

/**
 * Whether a node may go through the phases of a rotation by itself; `rotation/by-itself.ts` decides whether it does.
 */
export const mayGoByItself = ({ rotation }: Pick<Config, 'rotation'>): boolean =>
  rotation.phase === undefined || rotation.phase === 'auto';

/** Returns the directory of the drop-ins beside a configuration file. */
export const dropInsOf = (path: string): string => path.replace(/\.ya?ml$/, '.d');
