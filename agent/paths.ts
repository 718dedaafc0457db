import { join } from 'node:path';

/** The agent's own paths on a node. */

export const STATE = '/var/lib/coe-agent';
export const LEDGER = join(STATE, 'deployments');
/** Generations that a later one has replaced. */
export const KEPT = join(STATE, 'kept');
/** The newest message of a queue. */
export const QUEUE_RECORD = join(STATE, 'zaqar.json');

export const LOGS = '/var/log/coe-agent';

export const RUNTIME = '/run/coe-agent';
/** Where coe-agent-config-drive.service copies a file of the drive: the other units may not mount anything. */
export const DRIVE_COPY = join(RUNTIME, 'config-drive');
