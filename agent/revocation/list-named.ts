import { join } from 'node:path';
import { readIfThere } from '../../src/base/disk.ts';
import type { Remark } from '../../src/base/remark.ts';
import type { RevocationListRow } from '../../src/certificates/layout.ts';
import { READERS } from '../../src/certificates/list-readers.ts';
import type { Hands } from '../hands.ts';

/** The service's settings do not name the list, or the service ignores the setting. */
export type NotRead = Remark<'list-not-named' | 'setting-overlooked'>;

/**
 * Returns why a unit does not use its list of revoked certificates, from its command line, environment and
 * configuration; undefined when it does.
 */
export async function whyNotRead(
  { unit, file, reader, namedIn = [] }: RevocationListRow,
  hands: Pick<Hands, 'disk' | 'unitSettings'>,
  abort: AbortSignal,
): Promise<NotRead | undefined> {
  const { names, overlooks, setting } = READERS[reader];
  const { text, environmentFiles } = await hands.unitSettings(unit, abort);
  const places = [...environmentFiles, ...namedIn];
  const texts = [text, ...(await Promise.all(places.map(async (path) => await textsAt(path, hands)))).flat()];
  const lines = texts.flatMap((one) => one.split('\n')).filter((line) => !/^\s*#/.test(line));
  if (overlooks && lines.some((line) => overlooks.sign.test(line)))
    return { code: 'setting-overlooked', of: unit, text: overlooks.why };
  const pattern = names(file.path);
  if (lines.some((line) => pattern.test(line))) return undefined;
  const looked = ['its unit', ...places].join(', ');
  return { code: 'list-not-named', of: unit, text: `${looked}: ${setting(file.path)} is not set` };
}

/** Reads a file, or every file in a directory. */
async function textsAt(path: string, { disk }: Pick<Hands, 'disk'>): Promise<string[]> {
  const at = await disk.resolve(path);
  const type = (await disk.info(at))?.type;
  const names = type === 'directory' ? await disk.list(at) : [];
  const paths = type === 'directory' ? names.map((name) => join(at, name)) : [at];
  const contents = await Promise.all(
    paths.map(async (one) =>
      (await disk.info(one))?.type === 'directory' ? undefined : await readIfThere(disk, one),
    ),
  );
  return contents.flatMap((content) => content?.toString('utf8') ?? []);
}
