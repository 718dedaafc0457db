import { codeOf, explain, isNotReady } from '../../src/base/errors.ts';
import { once } from '../../src/base/retry.ts';
import { createKubernetesObjects, type HeldObject } from '../../src/services/kubernetes-objects.ts';
import { createKubernetes, WORKLOAD_KINDS, type Workload } from '../../src/services/kubernetes.ts';
import { listLonePods } from '../../src/services/lone-pods.ts';
import { readsOf, showsFile } from '../../src/services/pod-spec.ts';
import { nameOfWorkload } from '../../src/services/roll-out.ts';
import { listAll } from '../credentials/change-object.ts';
import { holdsLogin, loginsIn } from '../credentials/object-login.ts';
import { loneReadersOf, readersOf } from '../credentials/readers.ts';
import type { Hands } from '../hands.ts';
import type { Node } from '../node.ts';
import { unitsOf } from '../plan/units.ts';
import { BRIEFLY, ownApiOf, withOwnApi } from '../rotation/own-api.ts';
import { isLogin, type KnownLogins, type LoginPlace, placeOf } from './login-places.ts';

/** A workload whose pods mount node paths with credentials or certificates. */
export type HostPathReader = { workload: string; paths: readonly string[] };

export type LoginObjects =
  | {
      api: 'answers';
      places: LoginPlace[];
      hostPaths: HostPathReader[];
      /** Pods and Jobs that read the login, and that nothing replaces. */
      lonePods: readonly string[];
    }
  /** Only a master may read Secrets. */
  | { api: 'no-master' }
  | { api: 'silent'; why: string };

/**
 * Finds every Secret and config map of the cluster with a login, and the workloads that read it or mount files of the
 * node.
 *
 * @param files the node's files that matter to pods
 * @throws `aborted`
 */
export async function findLoginObjects(
  node: Node,
  known: KnownLogins,
  files: readonly string[],
  hands: Hands,
  abort: AbortSignal,
): Promise<LoginObjects> {
  const api = ownApiOf(await unitsOf(node, hands, abort), node);
  if (!api) return { api: 'no-master' };
  try {
    return await withOwnApi(api, hands, async (ask) => {
      const objects = await listAll(createKubernetesObjects(ask, once, BRIEFLY), abort);
      const kubernetes = createKubernetes(ask, once, BRIEFLY);
      const workloads: Workload[] = [];
      for (const kind of WORKLOAD_KINDS) workloads.push(...(await kubernetes.list(kind, undefined, abort)));
      const pods = await listLonePods(ask, once, BRIEFLY, abort);
      const held = objects.filter((object) => placesIn(object, [], known).length > 0);
      return {
        api: 'answers',
        lonePods: loneReadersOf(pods, { objects: held, files }),
        places: objects.flatMap((object) => placesIn(object, workloads, known)),
        hostPaths: hostPathReaders(workloads, files),
      };
    });
  } catch (error) {
    if (codeOf(error) === 'aborted' || (!isNotReady(error) && codeOf(error) === undefined)) throw error;
    return { api: 'silent', why: explain(error) };
  }
}

function placesIn(object: HeldObject, workloads: readonly Workload[], known: KnownLogins): LoginPlace[] {
  const { kind, namespace, name } = object;
  const readers = readersOf(workloads, { objects: [object], files: [], id: '' }).map(({ workload }) =>
    nameOfWorkload(workload),
  );
  const place = {
    kind: kind === 'secrets' ? 'secret' : 'configmap',
    of: `${namespace}/${name}`,
    readers,
  } as const;
  const logins = loginsIn(object)
    .filter(isLogin)
    .filter(({ password, trust }) => password !== undefined || trust !== undefined);
  if (logins.length > 0) return logins.map((login) => placeOf(place, login, known));
  const isHeld = [known.own, known.former].some((login) => login && holdsLogin(object, login));
  return isHeld ? [{ ...place, whose: 'unknown', user: undefined, trust: undefined }] : [];
}

const hostPathReaders = (workloads: readonly Workload[], files: readonly string[]): HostPathReader[] =>
  workloads.flatMap((workload) => {
    const { hostPaths } = readsOf(workload.spec.template.spec);
    const paths = hostPaths.filter((path) => files.some((file) => showsFile(path, file)));
    return paths.length > 0 ? [{ workload: nameOfWorkload(workload), paths }] : [];
  });
