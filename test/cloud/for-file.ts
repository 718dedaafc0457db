import { afterAll } from 'vitest';
import { type Cloud, type CloudOptions, startCloud } from './cloud.ts';

/** Starts a cloud for the tests of one file, and closes it after them. */
export async function cloudForFile(options?: CloudOptions): Promise<Cloud> {
  const cloud = await startCloud(options);
  afterAll(async () => {
    await cloud.close();
  });
  return cloud;
}
