import { parseObject, type Answer } from './exchange.ts';

/**
 * Ready-made changes of an answer, for the effect `{ kind: 'transform', change }`: what a proxy, a broken service or an
 * unlucky day makes of it.
 */
export type Change = (answer: Answer) => Answer;

/** The status stays; half of the body is gone, and its length is told truly. */
export const truncated: Change = (answer) => {
  const body = Buffer.from(answer.body);
  return { ...answer, body: body.subarray(0, Math.floor(body.length / 2)) };
};

/** Bytes that are no text of any kind. */
export const garbled: Change = (answer) => ({
  ...answer,
  body: Buffer.from(Buffer.from(answer.body).map((byte) => byte ^ 0xa5)),
});

/** The page of a load balancer instead. */
export const htmlPage =
  (status = 200): Change =>
  () => ({
    status,
    headers: { 'Content-Type': 'text/html' },
    body: '<html><body><h1>The service is being maintained</h1></body></html>',
  });

/** Another JSON object in place of the one that was to be sent. */
export const rewriteJson =
  (rewrite: (body: Record<string, unknown>) => unknown): Change =>
  (answer) => ({ ...answer, body: JSON.stringify(rewrite(parseObject(String(answer.body)) ?? {})) });

/** Another `pem` in a certificate's answer; everything else of it stays. */
export const replacePem = (replace: (pem: string) => unknown): Change =>
  rewriteJson((body) => ({ ...body, pem: replace(typeof body['pem'] === 'string' ? body['pem'] : '') }));

export const crlfPem: Change = replacePem((pem) => pem.replaceAll('\n', '\r\n'));

/** The certificate without its armour: DER as base64. */
export const derPem: Change = replacePem((pem) => pem.replaceAll(/-----[^-]+-----|\s/g, ''));

/** The body itself is the DER certificate. */
export const derBody: Change = (answer) => {
  const pem = parseObject(String(answer.body))?.['pem'];
  const base64 = typeof pem === 'string' ? pem.replaceAll(/-----[^-]+-----|\s/g, '') : '';
  const headers = { 'Content-Type': 'application/pkix-cert' };
  return { status: answer.status, headers, body: Buffer.from(base64, 'base64') };
};
