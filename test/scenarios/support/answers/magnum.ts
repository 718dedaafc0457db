import {
  crlfPem,
  derBody,
  derPem,
  garbled,
  htmlPage,
  replacePem,
  rewriteJson,
  truncated,
} from '../../../cloud/spoil.ts';
import type { Site } from '../site.ts';
import {
  anotherCa,
  byAnotherCa,
  expired,
  forAnotherKey,
  notYetValid,
  wrongAddress,
  wrongGroup,
} from './forge.ts';
import { PLAIN_503, QUICK_DRIP, RETRY_AFTER, type Row, SLOW_DRIP, spoilt, status } from './row.ts';

/** What can come in place of any certificate, a CA's or a leaf's. */
const EITHER: readonly Row[] = [
  { answer: 'HTML', effect: spoilt(htmlPage()), comes: /not JSON \(it starts with "<html>/, requests: 1 },
  { answer: 'half a body', effect: spoilt(truncated), comes: /not JSON/, requests: 1 },
  {
    answer: 'no pem',
    effect: spoilt(rewriteJson(() => ({ pem: null }))),
    comes: /the answer has no pem/,
    requests: 1,
  },
  {
    answer: 'an empty pem',
    effect: spoilt(replacePem(() => '')),
    comes: /there is no PEM certificate in it/,
    requests: 1,
  },
  {
    answer: 'a PEM of junk',
    effect: spoilt(replacePem((pem) => pem.replaceAll(/^[A-Z].{20}/gm, 'AAAA'))),
    comes: /not a certificate/,
    requests: 1,
  },
  {
    answer: 'two PEMs',
    effect: spoilt(replacePem((pem) => `${pem}\n${pem}`)),
    comes: /2 certificates where one belongs/,
    requests: 1,
  },
  {
    answer: 'DER as base64',
    effect: spoilt(derPem),
    comes: /there is no PEM certificate in it/,
    requests: 1,
  },
  { answer: 'CRLF', effect: spoilt(crlfPem), comes: 'success', requests: 1 },
  {
    answer: 'noise around the PEM',
    effect: spoilt(replacePem((pem) => `a note\n${pem}\nmore\n`)),
    comes: 'success',
    requests: 1,
  },
  {
    answer: 'an expired one',
    effect: (site: Site) => spoilt(expired(site)),
    comes: /expired on 2020-01-01T.* ago: this node's clock says 20/,
    requests: 1,
  },
  {
    answer: 'one that is not valid yet',
    effect: (site: Site) => spoilt(notYetValid(site)),
    comes: /not valid before 2040-01-01T.* from now: this node's clock says 20/,
    requests: 1,
  },
  {
    answer: 'later than the deadline, once',
    effect: { kind: 'delay', ms: 600 },
    times: 1,
    deadline: 0.3,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'nothing at all, the work done',
    effect: { kind: 'hang' },
    times: 2,
    deadline: 0.2,
    comes: 'success',
    requests: 3,
  },
  {
    answer: 'nothing at all, ever',
    effect: { kind: 'hang' },
    deadline: 0.2,
    comes: /no answer within 0.2 s/,
    requests: 4,
  },
  {
    answer: 'a connection cut after the work, once',
    effect: { kind: 'reset', when: 'after' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'a body cut in the middle, once',
    effect: { kind: 'cut' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  { answer: '401 once', effect: status(401), times: 1, comes: 'success', requests: 2 },
  { answer: '401 always', effect: status(401), comes: /401 words of 401/, requests: 2 },
  { answer: '403', effect: status(403), comes: /Magnum refused with 403: words of 403/, requests: 1 },
  { answer: '404', effect: status(404), comes: /Magnum refused with 404: words of 404/, requests: 1 },
  { answer: '409', effect: status(409), comes: /Magnum refused with 409: words of 409/, requests: 1 },
  { answer: '408 once, as from a proxy', effect: status(408), times: 1, comes: 'success', requests: 2 },
  { answer: '408 always', effect: status(408), comes: /408 words of 408/, requests: 4 },
  {
    answer: '429 with Retry-After, once',
    effect: RETRY_AFTER,
    times: 1,
    patience: 30,
    comes: 'success',
    requests: 2,
    waits: 7,
  },
  { answer: '429 always', effect: RETRY_AFTER, patience: 20, comes: /429 slow down/, requests: 3, waits: 7 },
  { answer: '500 once', effect: status(500), times: 1, comes: 'success', requests: 2 },
  { answer: '500 always', effect: status(500), comes: /500 words of 500/, requests: 4 },
  { answer: '503 text/plain, three times', effect: PLAIN_503, times: 3, comes: 'success', requests: 4 },
  { answer: '503 text/plain always', effect: PLAIN_503, comes: /503 .*currently unavailable/, requests: 4 },
  { answer: 'a slow drip', effect: SLOW_DRIP, deadline: 0.3, comes: /no answer within 0.3 s/, requests: 4 },
  { answer: 'a quick drip', effect: QUICK_DRIP, comes: 'success', requests: 1 },
  {
    answer: 'connection reset once',
    effect: { kind: 'reset', when: 'before' },
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'connection reset always',
    effect: { kind: 'reset', when: 'before' },
    comes: /the connection was reset|other side closed/,
    requests: 4,
  },
];

/** What is no text is refused as such where it answers a question. */
const noText = (comes: RegExp): readonly Row[] => [
  { answer: 'garbage', effect: spoilt(garbled), comes, requests: 1 },
  { answer: 'DER', effect: spoilt(derBody), comes, requests: 1 },
];

export const MAGNUM_CA: readonly Row[] = [
  ...EITHER,
  ...noText(/the answer is no UTF-8/),
  {
    answer: 'another CA of the same name',
    effect: (site) => spoilt(anotherCa(site)),
    comes: /not signed by the kubernetes CA that Magnum serves/,
    requests: 1,
  },
  {
    answer: 'a certificate that is no CA',
    effect: (site) => spoilt(forAnotherKey(site)),
    comes: /is not a CA certificate/,
    requests: 1,
  },
];

export const MAGNUM_SIGN: readonly Row[] = [
  ...EITHER,
  ...noText(/not JSON/),
  {
    answer: 'a certificate for another key',
    effect: (site) => spoilt(forAnotherKey(site)),
    comes: /server that Magnum returned is for another key/,
    requests: 1,
  },
  {
    answer: 'one of another CA with the same name',
    effect: (site) => spoilt(byAnotherCa(site)),
    comes: /not signed by the kubernetes CA that Magnum serves/,
    requests: 1,
  },
  {
    answer: 'one for another address',
    effect: (site) => spoilt(wrongAddress(site)),
    comes: /names .*10\.0\.0\.7.*, not .*10\.0\.0\.6/,
    requests: 1,
  },
  {
    answer: 'one for another group',
    effect: (site) => spoilt(wrongGroup(site)),
    comes: /is for .*O=system:admin, not .*O=system:nodes/,
    requests: 1,
  },
  {
    answer: 'the CA itself',
    effect: ({ cluster }) => spoilt(replacePem(() => cluster.ca.kubernetes)),
    comes: /is for another key/,
    requests: 1,
  },
];
