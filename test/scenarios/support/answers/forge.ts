import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createAuthority } from '../../../cloud/authority.ts';
import { bits, membersOf, parseDer, sequence, toDer, toPem } from '../../../cloud/der.ts';
import { type Answer, at, parseObject } from '../../../cloud/exchange.ts';
import { makeCsr } from '../../../cloud/make-csr.ts';
import { replacePem } from '../../../cloud/spoil.ts';
import type { Site } from '../site.ts';

/** Certificates of a broken or malicious Magnum: signed by the right CA, but not as requested. */

type Change = (answer: Answer) => Answer;

const authorityOf = ({ cluster }: Site) => cluster.record.generation.kubernetes;

/** Alters the body of a certificate and signs it again. */
function resign(pem: string, key: KeyObject, alter: (body: Buffer) => Buffer): string {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const [body, algorithm] = membersOf(parseDer(der));
  if (!body || !algorithm) throw new Error('no certificate');
  const altered = alter(toDer(body));
  const signature = sign('sha256', altered, key);
  return toPem('CERTIFICATE', toDer(sequence(parseDer(altered), algorithm, bits(signature))));
}

const replaceBytes = (whole: Buffer, from: Buffer, to: Buffer): Buffer =>
  Buffer.from(whole.toString('latin1').replaceAll(from.toString('latin1'), to.toString('latin1')), 'latin1');

/** A UTCTime: its tag, its length, and thirteen characters. */
const UTC_TIME = '\\x17\\x0D';
const UTC_TIMES = new RegExp(`${UTC_TIME}[0-9]{12}Z${UTC_TIME}[0-9]{12}Z`);

const withDates =
  (from: string, until: string) =>
  (body: Buffer): Buffer =>
    Buffer.from(body.toString('latin1').replace(UTC_TIMES, `\x17\x0D${from}\x17\x0D${until}`), 'latin1');

const altered =
  (alter: (body: Buffer) => Buffer) =>
  (site: Site): Change =>
    replacePem((pem) => resign(pem, authorityOf(site).keys.privateKey, alter));

export const expired = altered(withDates('190101000000Z', '200101000000Z'));
export const notYetValid = altered(withDates('400101000000Z', '410101000000Z'));

/** 10.0.0.7 instead of the node's own 10.0.0.6. */
export const wrongAddress = altered((body) =>
  replaceBytes(body, Buffer.of(10, 0, 0, 6), Buffer.of(10, 0, 0, 7)),
);

export const wrongGroup = altered((body) =>
  replaceBytes(body, Buffer.from('system:nodes'), Buffer.from('system:admin')),
);

export const forAnotherKey = (site: Site): Change =>
  replacePem(() =>
    authorityOf(site).sign(makeCsr(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'somebody')),
  );

const impostorOf = ({ cluster }: Site) =>
  createAuthority({
    name: cluster.name,
    keys: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    validityDays: 365,
    subjectKeyId: false,
    now: Date.now,
  });

/** Signed by a CA of the same name. */
export const byAnotherCa =
  (site: Site): Change =>
  (answer) => {
    const csr = at(parseObject(String(answer.body)), 'csr');
    return replacePem(() => impostorOf(site).sign(String(csr)))(answer);
  };

/** A CA of the same name instead of the signing one. */
export const anotherCa = (site: Site): Change => replacePem(() => impostorOf(site).pem);
