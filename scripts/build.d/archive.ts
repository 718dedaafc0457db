import { basename, dirname } from 'node:path';
import { execa } from 'execa';

/** Packs a folder into a tarball without traces of its builder, time and place. gzip is on every node. */
export async function archive(folder: string, path: string, date: number): Promise<string> {
  const plain = [
    '--sort=name',
    '--format=ustar',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    `--mtime=@${date}`,
  ];
  const compress = '--use-compress-program=gzip -n -6';
  await execa('tar', [...plain, compress, '-cf', path, '-C', dirname(folder), basename(folder)]);
  return path;
}
