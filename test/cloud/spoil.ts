import { parseObject, type Answer } from './exchange.ts';

/** Changes of an answer for the effect `{ kind: 'transform', change }`, as made by a proxy or a broken service. */
export type Change = (answer: Answer) => Answer;

/** Keeps the status, and sends half of the body with its true length. */
export const truncated: Change = (answer) => {
  const body = Buffer.from(answer.body);
  return { ...answer, body: body.subarray(0, Math.floor(body.length / 2)) };
};

/** Bytes that are not text. */
export const garbled: Change = (answer) => ({
  ...answer,
  body: Buffer.from(Buffer.from(answer.body).map((byte) => byte ^ 0xa5)),
});

/** A load balancer's page instead. */
export const htmlPage =
  (status = 200): Change =>
  () => ({
    status,
    headers: { 'Content-Type': 'text/html' },
    body: '<html><body><h1>The service is being maintained</h1></body></html>',
  });

/** Replaces the JSON object. */
export const rewriteJson =
  (rewrite: (body: Record<string, unknown>) => unknown): Change =>
  (answer) => ({ ...answer, body: JSON.stringify(rewrite(parseObject(String(answer.body)) ?? {})) });

/** Replaces `pem` in a certificate's answer, and keeps the rest. */
export const replacePem = (replace: (pem: string) => unknown): Change =>
  rewriteJson((body) => ({ ...body, pem: replace(typeof body['pem'] === 'string' ? body['pem'] : '') }));

export const crlfPem: Change = replacePem((pem) => pem.replaceAll('\n', '\r\n'));

/** The certificate without armour: DER in base64. */
export const derPem: Change = replacePem((pem) => pem.replaceAll(/-----[^-]+-----|\s/g, ''));

/** The DER certificate as the body. */
export const derBody: Change = (answer) => {
  const pem = parseObject(String(answer.body))?.['pem'];
  const base64 = typeof pem === 'string' ? pem.replaceAll(/-----[^-]+-----|\s/g, '') : '';
  const headers = { 'Content-Type': 'application/pkix-cert' };
  return { status: answer.status, headers, body: Buffer.from(base64, 'base64') };
};
