import { join } from 'node:path';

/** The agent's own paths on a node. */

export const STATE = '/var/lib/coe-agent';
export const LEDGER = join(STATE, 'deployments');
/** The generation that is under way. */
export const GENERATION = join(STATE, 'generation');
/** The runs of scripts that have not been collected. */
export const RUNS = join(STATE, 'runs');
/** Generations that later ones have replaced. */
export const KEPT = join(STATE, 'kept');
/** The record of the newest message of a queue. */
export const QUEUE_RECORD = join(STATE, 'zaqar.json');

export const LOGS = '/var/log/coe-agent';

export const RUNTIME = '/run/coe-agent';
/**
 * coe-agent-config-drive.service copies a file of the drive to this directory, because the other units may not mount.
 */
export const DRIVE_COPY = join(RUNTIME, 'config-drive');
