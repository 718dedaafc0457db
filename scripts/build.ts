import { join, relative } from 'node:path';
import { bundle, NODE_FLAGS } from './lib/bundle.ts';

/** `npm run build`: the program as it runs on a node, in build/. */
const program = await bundle(join(import.meta.dirname, '../build'));
console.log(`run it with: node ${NODE_FLAGS.join(' ')} ${relative(process.cwd(), program)}`);
