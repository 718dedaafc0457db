import type { HeldObject, KubernetesObjects } from '../../src/services/kubernetes-objects.ts';
import { changeOne, type ClusterRemark } from './change-object.ts';

/** Whether a value of an object is this CA bundle, ignoring white space around it. */
export const holdsBundle = ({ data }: Pick<HeldObject, 'data'>, bundle: string): boolean =>
  [...data.values()].some((content) => isSame(content, bundle));

const isSame = (content: Buffer, bundle: string): boolean =>
  bundle.trim() !== '' && content.toString('utf8').trim() === bundle.trim();

/** Replaces former CA bundles by the new one, in the Secret ca-bundle and in others with the same content. */
export async function changeBundles(
  objects: readonly HeldObject[],
  formers: readonly string[],
  bundle: string,
  api: KubernetesObjects,
  abort: AbortSignal,
): Promise<ClusterRemark[]> {
  const said: ClusterRemark[] = [];
  for (const object of objects)
    if (formers.some((former) => holdsBundle(object, former)))
      said.push(
        ...(await changeOne(
          object,
          ({ data }) => {
            const keys = [...data].filter(([, content]) => formers.some((one) => isSame(content, one)));
            return {
              changes: { data: new Map(keys.map(([key]) => [key, Buffer.from(bundle)])) },
              left: [],
            };
          },
          api,
          abort,
        )),
      );
  return said;
}
