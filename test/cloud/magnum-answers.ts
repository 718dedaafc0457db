import { json, type Answer } from './exchange.ts';

/** The headers of every answer after the version check; `asked` is the negotiated version. */
export const versionHeaders = (asked: string): Record<string, string> => ({
  'OpenStack-API-Minimum-Version': 'container-infra 1.1',
  'OpenStack-API-Maximum-Version': 'container-infra 1.10',
  'OpenStack-API-Version': `container-infra ${asked}`,
  vary: 'OpenStack-API-Version',
});

/** Makes an error in the format of Magnum's API. */
export function magnumError(status: number, title: string, detail = `${title}.`): Answer {
  const code = title === '' ? '' : status >= 500 ? 'server' : 'client';
  return json(status, { errors: [{ request_id: '', code, status, title, detail, links: [] }] });
}

export const unsupportedVersion = (): Answer =>
  json(406, {
    errors: [
      {
        max_version: '1.10',
        min_version: '1.1',
        code: 'magnum.microversion-unsupported',
        links: [],
        title: 'Requested microversion is unsupported',
      },
    ],
  });

export const noCluster = (status: 400 | 404, name: string): Answer =>
  magnumError(status, `Cluster ${name} could not be found`);

/** Formats a text like Python prints its bytes, which is how Magnum quotes a CSR. */
export function asPythonBytes(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const inner = Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    if (character === quote) return `\\${character}`;
    if (byte < 0x20 || byte > 0x7e) return escapes[character] ?? `\\x${byte.toString(16).padStart(2, '0')}`;
    return escapes[character] ?? character;
  });
  return `b${quote}${inner.join('')}${quote}`;
}
