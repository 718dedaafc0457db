import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { errnoOf } from '../src/base/errors.ts';
import { GENERATED, renewed } from './docs.d/generated.ts';
import { broken, NAMES, pathOf, readSchema, schemaOf, textOf } from './docs.d/schemas.ts';

/** Renews the generated parts of docs/: `npm run docs`. */
for (const page of Object.keys(GENERATED)) await writeFile(page, renewed(page, await readFile(page, 'utf8')));

await mkdir('docs/schema', { recursive: true });
for (const name of NAMES) {
  const path = pathOf(name);
  const schema = schemaOf(name);
  const earlier = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return undefined;
  });
  const faults = earlier === undefined ? [] : broken(readSchema(earlier), schema);
  if (faults.length > 0)
    throw new Error(`${path} breaks its readers; raise JSON_VERSION, or undo: ${faults.join(', ')}`);
  await writeFile(path, textOf(schema));
}
