import * as v from 'valibot';
import { AgentError } from '../../src/base/errors.ts';
import { describeIssues } from '../../src/base/issue.ts';
import { secretsOfAddress } from '../../src/base/presigned.ts';
import { type CollectorName, SERVED_COLLECTORS } from '../../src/metadata/collector.ts';

export const seconds = v.pipe(v.number(), v.minValue(0.01));
export const absolutePath = v.pipe(
  v.string(),
  v.startsWith('/'),
  v.regex(/^\P{Cc}*$/u, 'contains a control character'),
);
const paths = v.array(absolutePath);
const address = v.pipe(
  v.string(),
  v.regex(/^https?:/, 'is not an http address'),
  v.url('is not an http address'),
);

const Heat = v.strictObject({
  auth_url: v.string(),
  user_id: v.string(),
  password: v.string(),
  project_id: v.string(),
  stack_id: v.string(),
  resource_name: v.string(),
  region_name: v.optional(v.string()),
});

const Cfn = v.strictObject({
  metadata_url: v.optional(address),
  /** The file where cfn-tools store the address; used if `metadata_url` does not contain it. */
  heat_metadata_hint: v.optional(absolutePath, '/var/lib/heat-cfntools/cfn-metadata-server'),
  stack_name: v.string(),
  path: v.pipe(
    v.array(v.pipe(v.string(), v.regex(/^[^.]+\../, 'is not RESOURCE.FIELD'))),
    v.minLength(1, 'names no RESOURCE.FIELD'),
  ),
  access_key_id: v.string(),
  secret_access_key: v.string(),
});

const Zaqar = v.strictObject({
  auth_url: v.string(),
  user_id: v.string(),
  password: v.string(),
  project_id: v.string(),
  queue_id: v.string(),
  region_name: v.optional(v.string()),
  /** Lets Zaqar's websocket wake the daemon. */
  use_websockets: v.optional(v.boolean(), false),
});

const Request = v.strictObject({ metadata_url: address });

/** The service that provides the server's own instance metadata. */
const Ec2 = v.strictObject({
  metadata_url: v.optional(address, 'http://169.254.169.254/latest/meta-data'),
});
const ConfigDrive = v.strictObject({ path: v.optional(absolutePath, '/mnt/config') });

/** The polling keys that a section `os-collect-config` of the metadata may override. */
export const pollingEntries = {
  collectors: v.optional(v.array(v.picklist(SERVED_COLLECTORS)), ['heat', 'local']),
  heat: v.optional(Heat),
  cfn: v.optional(Cfn),
  request: v.optional(Request),
  ec2: v.optional(Ec2, {}),
  config_drive: v.optional(ConfigDrive, {}),
  zaqar: v.optional(Zaqar),
  heat_local: v.optional(
    v.strictObject({ path: v.optional(paths, ['/var/lib/heat-cfntools/cfn-init-data']) }),
    {},
  ),
  local: v.optional(
    v.strictObject({ path: v.optional(paths, ['/var/lib/os-collect-config/local-data']) }),
    {},
  ),
  poll: v.optional(
    v.strictObject({
      min_seconds: v.optional(seconds, 1),
      max_seconds: v.optional(seconds, 30),
      /** Maximum wait of a daemon before its first poll. polling/schedule.ts has the default. */
      splay_seconds: v.optional(v.pipe(v.number(), v.minValue(0))),
    }),
    {},
  ),
};

const PollingSchema = v.object(pollingEntries);
export type Polling = v.InferOutput<typeof PollingSchema>;
export type HeatSection = v.InferOutput<typeof Heat>;
export type ZaqarSection = v.InferOutput<typeof Zaqar>;
export type CfnSection = v.InferOutput<typeof Cfn>;

/** Checks what the schema cannot express. @throws `config`; `where` names the source */
export function checkPolling({ collectors, poll }: Polling, where: string): void {
  if (collectors.length === 0)
    throw new AgentError('config', `${where}: collectors: none is supported`, {
      reason: 'no-collector',
    });
  if (poll.min_seconds > poll.max_seconds)
    throw new AgentError('config', `${where}: poll.min_seconds is larger than poll.max_seconds`, {
      reason: 'intervals-swapped',
    });
}

/** Returns why a collector cannot be used with these options; undefined if it can. */
export function faultOfSection(collector: string, section: unknown): string | undefined {
  const schema = Object.entries(pollingEntries).find(([name]) => name === collector)?.[1];
  const parsed = schema && v.safeParse(schema, section);
  return parsed?.issues && describeIssues(parsed.issues, collector);
}

/** Returns the section of a collector, which is required. @throws `config` */
export function requireSection<T>(name: CollectorName, section: T | undefined): T {
  if (section !== undefined) return section;
  throw new AgentError('config', `the collector ${name} is configured, but the section ${name} is missing`, {
    reason: 'section-missing',
  });
}

/** Returns the secrets of a configuration. */
export const secretsOfPolling = ({ heat, cfn, request, zaqar }: Polling): string[] => [
  ...(heat ? [heat.password] : []),
  ...(cfn ? [cfn.secret_access_key] : []),
  ...(request ? secretsOfAddress(request.metadata_url) : []),
  ...(zaqar ? [zaqar.password] : []),
];
