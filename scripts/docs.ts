import { readFile, writeFile } from 'node:fs/promises';
import { GENERATED, renewed } from './docs.d/generated.ts';

/** Writes the generated parts of docs/ anew: `npm run docs`. */
for (const page of Object.keys(GENERATED)) await writeFile(page, renewed(page, await readFile(page, 'utf8')));
