import * as v from 'valibot';
import { type Disk, readText } from './disk.ts';

/** Reads a JSON file and validates its shape. @returns undefined if the file is missing or has another shape */
export async function readJson<T extends v.GenericSchema>(
  disk: Disk,
  path: string,
  schema: T,
): Promise<v.InferOutput<T> | undefined> {
  const text = await readText(disk, path);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), text);
  return parsed.success ? parsed.output : undefined;
}
