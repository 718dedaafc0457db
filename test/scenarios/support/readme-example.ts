import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const readme = readFileSync(join(import.meta.dirname, '../../../README.md'), 'utf8');

/** A layout that the README has as an example, by the name of its file; empty when it has none. */
export const readmeExample = (name: string): string =>
  new RegExp('```yaml\\n(# /etc/coe-agent/layouts\\.d/' + name + '[\\s\\S]*?)```').exec(readme)?.[1] ?? '';
