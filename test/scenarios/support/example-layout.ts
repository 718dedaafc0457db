import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const EXAMPLES = join(import.meta.dirname, '../../../docs/examples/layouts.d');

/** A layout of those that the documentation has as examples, by the name of its file. */
export const exampleLayout = (name: 'front' | 'registry'): string =>
  readFileSync(join(EXAMPLES, `${name}.yaml`), 'utf8');
