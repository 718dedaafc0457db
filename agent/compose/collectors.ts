import type { Clock } from '../../src/base/clock.ts';
import type { Disk } from '../../src/base/disk.ts';
import { AgentError } from '../../src/base/errors.ts';
import { readTrusted } from '../../src/base/trust.ts';
import { QUEUE_RECORD } from '../paths.ts';
import { cfnCollector } from '../../src/metadata/cfn.ts';
import type { Collector, CollectorName } from '../../src/metadata/collector.ts';
import { configDriveCollector, type ReadDrive } from '../../src/metadata/config-drive.ts';
import { ec2Collector, type ReadItem } from '../../src/metadata/ec2.ts';
import { heatCollector } from '../../src/metadata/heat.ts';
import { heatLocalCollector, localCollector } from '../../src/metadata/local.ts';
import { requestCollector, type TempUrl } from '../../src/metadata/temp-url-collector.ts';
import { type Queue, zaqarCollector } from '../../src/metadata/zaqar.ts';
import {
  type CfnSection,
  type HeatSection,
  type Polling,
  requireSection,
  type ZaqarSection,
} from '../config/polling.ts';

/**
 * The requests of the collectors; each takes its section of the configuration. An answer is the text of a JSON value.
 */
export type Readers = {
  readServer(from: HeatSection, abort: AbortSignal): Promise<string>;
  readField(
    from: CfnSection,
    url: string,
    of: { resourceName: string; field: string },
    abort: AbortSignal,
  ): Promise<string>;
  openTempUrl(url: string): TempUrl;
  openQueue(from: ZaqarSection): Queue;
  readDrive: ReadDrive;
  readItem: ReadItem;
};

/** Builds the collector of that name from its configuration. @throws `config` when its section is missing */
export function collectorOf(
  name: CollectorName,
  polling: Polling,
  hands: Readers & { disk: Disk; clock: Clock },
): Collector {
  const { disk } = hands;
  switch (name) {
    case 'heat': {
      const from = requireSection(name, polling.heat);
      return heatCollector(async (abort) => await hands.readServer(from, abort));
    }
    case 'cfn': {
      const from = requireSection(name, polling.cfn);
      return cfnCollector(async (of, abort) => {
        const url = from.metadata_url ?? (await hintedUrl(from.heat_metadata_hint, disk));
        return await hands.readField(from, url, of, abort);
      }, from.path);
    }
    case 'request':
      return requestCollector(hands.openTempUrl(requireSection(name, polling.request).metadata_url));
    case 'zaqar': {
      const queue = hands.openQueue(requireSection(name, polling.zaqar));
      return zaqarCollector(queue, { disk, clock: hands.clock, path: QUEUE_RECORD });
    }
    case 'ec2':
      return ec2Collector(hands.readDrive, hands.readItem, hands.clock);
    case 'config_drive':
      return configDriveCollector(hands.readDrive);
    case 'heat_local':
      return heatLocalCollector(disk, polling.heat_local.path);
    case 'local':
      return localCollector(disk, polling.local.path);
  }
}

/** Returns the address of the CFN API, without the version, that cloud-init wrote for cfn-tools. */
async function hintedUrl(path: string, disk: Disk): Promise<string> {
  const hint = (await readTrusted(disk, path, 'config'))?.trim() ?? '';
  const url = `${hint}/v1/`;
  // `http:///v1/` is a valid URL of the host `v1`.
  if (/^https?:\/\/[^/]/.test(hint) && URL.canParse(url)) return url;
  throw new AgentError('config', `cfn.metadata_url is not configured, and there is no address in ${path}`);
}
