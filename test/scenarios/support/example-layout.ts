import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const EXAMPLES = join(import.meta.dirname, '../../../docs/examples/layouts.d');

/** Reads an example layout of the documentation by its file name. */
export const exampleLayout = (name: 'front' | 'registry'): string =>
  readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8');
