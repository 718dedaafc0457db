import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { test } from 'vitest';
import { CfnCoordinates, cfnContract } from '../contract/cfn.contract.ts';
import { contract } from '../contract/cloud.contract.ts';
import { Coordinates } from '../contract/coordinates.ts';
import { Place } from '../contract/coordinates.ts';
import { personContract } from '../contract/person.contract.ts';
import { rolesContract } from '../contract/roles.contract.ts';
import { Rc, usersOf } from './real-users.ts';
import { RequestCoordinates, requestContract } from '../contract/request.contract.ts';
import { stackOutputsContract } from '../contract/stack-outputs.contract.ts';
import { tempUrlSignalContract } from '../contract/temp-url-signal.contract.ts';
import { ZaqarCoordinates, zaqarContract } from '../contract/zaqar.contract.ts';

/** The maker of the cloud shuts it down. */
const close = async (): Promise<void> => {};
const run = promisify(execFile);
const Owned = v.object({ ...Place.entries, rc: Rc });
const All = v.object({
  heatSignal: Coordinates,
  cfnSignal: Coordinates,
  cfnPoll: CfnCoordinates,
  requestPoll: RequestCoordinates,
  zaqar: ZaqarCoordinates,
  tempUrlSignal: Coordinates,
});

/**
 * Runs the embedded cloud's contract against a real one: `COE_CLOUD_STATE`, made by `scripts/cloud up`, or the six
 * clusters in the JSON file `COE_CLOUD`.
 */
const { COE_CLOUD: file, COE_CLOUD_STATE: state } = process.env;

if (file === undefined && state === undefined) test.skip('skipped without a real cloud');
else {
  contract('a real cloud', async () => {
    if (file !== undefined) return { ...v.parse(All, JSON.parse(await readFile(file, 'utf8'))), close };
    // Unique names, so that it can run again on the same cloud.
    const mark = Date.now().toString(36);
    return {
      heatSignal: v.parse(Coordinates, await seed(`contract-heat-${mark}`, 'HEAT_SIGNAL')),
      cfnSignal: v.parse(Coordinates, await seed(`contract-cfn-${mark}`, 'CFN_SIGNAL')),
      close,
    };
  });
  const read = async (path: string): Promise<v.InferOutput<typeof All>> =>
    v.parse(All, JSON.parse(await readFile(path, 'utf8')));
  /** A short name: Heat derives names of queues from it, which Zaqar limits to 64 characters. */
  const fresh = async (name: string, signal: string, poll: string): Promise<unknown> =>
    await seed(`contract-${name}-${Date.now().toString(36)}`, signal, poll);
  cfnContract('a real cloud', async () => {
    const at =
      file === undefined
        ? await fresh('cfn-poll', 'CFN_SIGNAL', 'POLL_SERVER_CFN')
        : (await read(file)).cfnPoll;
    return { at: v.parse(CfnCoordinates, at), close };
  });
  requestContract('a real cloud', async () => {
    const at =
      file === undefined
        ? await fresh('request', 'CFN_SIGNAL', 'POLL_TEMP_URL')
        : (await read(file)).requestPoll;
    return { at: v.parse(RequestCoordinates, at), close };
  });
  zaqarContract('a real cloud', async () => {
    const at =
      file === undefined ? await fresh('zaqar', 'ZAQAR_SIGNAL', 'ZAQAR_MESSAGE') : (await read(file)).zaqar;
    return { at: v.parse(ZaqarCoordinates, at), close };
  });
  tempUrlSignalContract('a real cloud', async () => {
    const at =
      file === undefined
        ? await fresh('put', 'TEMP_URL_SIGNAL', 'POLL_SERVER_HEAT')
        : (await read(file)).tempUrlSignal;
    return { at: v.parse(Coordinates, at), close };
  });
}

if (state !== undefined) {
  personContract('a real cloud', async () => {
    const mark = Date.now().toString(36);
    const { cluster, rc } = v.parse(Owned, await seed(`contract-person-${mark}`, 'NO_SIGNAL'));
    return { env: rc, cluster, close };
  });
  stackOutputsContract('a real cloud', async () => {
    const mark = Date.now().toString(36);
    return { at: v.parse(Coordinates, await seed(`contract-outputs-${mark}`, 'HEAT_SIGNAL')), close };
  });
}
rolesContract('a real cloud', async () => {
  const mark = Date.now().toString(36);
  const cluster = v.parse(Owned, await seed(`contract-roles-${mark}`, 'NO_SIGNAL'));
  const noTls = v.parse(
    Place,
    await seed(`contract-no-tls-${mark}`, 'NO_SIGNAL', 'POLL_SERVER_HEAT', '--tls-disabled'),
  );
  const { stdout: version } = await run('dpkg-query', ['-W', '-f', '${Version}', 'python3-magnum']);
  return {
    release: Number.parseInt(version, 10) < 17 ? 'zed' : '2025.1',
    cluster,
    noTls,
    ...(await usersOf(cluster.rc, mark)),
    close,
  };
});

async function seed(
  name: string,
  signal: string,
  poll = 'POLL_SERVER_HEAT',
  ...more: string[]
): Promise<unknown> {
  const options = [
    '--name',
    name,
    '--servers',
    'master-0:master',
    '--signal',
    signal,
    '--poll',
    poll,
    ...more,
  ];
  const { stdout } = await run('scripts/cloud', ['seed', ...options]);
  return JSON.parse(stdout);
}
