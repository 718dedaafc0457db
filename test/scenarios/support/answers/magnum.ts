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
import { NEEDED } from './any.ts';
import {
  anotherCa,
  byAnotherCa,
  expired,
  forAnotherKey,
  notYetValid,
  wrongAddress,
  wrongGroup,
} from './forge.ts';
import { fault, MOVED, NOT_JSON, RETRY_AFTER, type Row, spoilt, status } from './row.ts';

/** Wrong content in place of any certificate, of a CA or a leaf. */
const EITHER: readonly Row[] = [
  ...NEEDED,
  { answer: 'HTML', effect: spoilt(htmlPage()), comes: NOT_JSON, requests: 4 },
  { answer: 'half a body', effect: spoilt(truncated), comes: NOT_JSON, requests: 4 },
  {
    answer: 'no pem',
    effect: spoilt(rewriteJson(() => ({ pem: null }))),
    comes: fault('bad-answer', 'incomplete'),
    requests: 4,
  },
  {
    answer: 'an empty pem',
    effect: spoilt(replacePem(() => '')),
    comes: fault('bad-answer', 'no-certificate'),
    requests: 4,
  },
  {
    answer: 'a PEM of junk',
    effect: spoilt(replacePem((pem) => pem.replaceAll(/^[A-Z].{20}/gm, 'AAAA'))),
    comes: fault('bad-answer', 'not-a-certificate'),
    requests: 4,
  },
  {
    answer: 'two PEMs',
    effect: spoilt(replacePem((pem) => `${pem}\n${pem}`)),
    comes: fault('bad-answer', 'several-certificates'),
    requests: 4,
  },
  {
    answer: 'DER as base64',
    effect: spoilt(derPem),
    comes: fault('bad-answer', 'no-certificate'),
    requests: 4,
  },
  { answer: '204 always', effect: status(204, ''), comes: fault('bad-answer', 'http-204'), requests: 4 },
  { answer: '303 once', effect: { ...MOVED, status: 303 }, times: 1, comes: 'success', requests: 2 },
  {
    answer: 'an expired one, once',
    effect: (site: Site) => spoilt(expired(site)),
    times: 1,
    comes: 'success',
    requests: 2,
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
    comes: fault('bad-answer', 'expired'),
    requests: 4,
  },
  {
    answer: 'one that is not valid yet',
    effect: (site: Site) => spoilt(notYetValid(site)),
    comes: fault('bad-certificate', 'not-valid-yet'),
    requests: 1,
  },
  {
    answer: 'nothing at all, the work done',
    effect: { kind: 'hang' },
    times: 2,
    deadline: 0.2,
    comes: 'success',
    requests: 3,
  },
  { answer: '401 once', effect: status(401), times: 1, comes: 'success', requests: 2 },
  { answer: '401 always', effect: status(401), comes: fault('unauthorized', 'http-401'), requests: 2 },
  { answer: '403', effect: status(403), comes: fault('cloud-refused', 'http-403'), requests: 1 },
  { answer: '404', effect: status(404), comes: fault('cloud-refused', 'http-404'), requests: 1 },
  {
    answer: '429 always',
    effect: RETRY_AFTER,
    patience: 20,
    comes: fault('cloud-unreachable', 'http-429'),
    requests: 3,
    waits: 7,
  },
];

/** An answer that is not text is rejected as such if it is needed. */
const noText = (comes: Row['comes']): readonly Row[] => [
  { answer: 'garbage', effect: spoilt(garbled), comes, requests: 4 },
  { answer: 'DER', effect: spoilt(derBody), comes, requests: 4 },
];

export const MAGNUM_CA: readonly Row[] = [
  ...EITHER,
  ...noText(fault('bad-answer', 'not-utf-8')),
  {
    answer: 'another CA of the same name, as of before a rotation',
    effect: (site) => spoilt(anotherCa(site)),
    comes: fault('bad-answer', 'other-ca'),
    requests: 4,
  },
  {
    answer: 'another CA of the same name, once',
    effect: (site) => spoilt(anotherCa(site)),
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'a certificate that is no CA',
    effect: (site) => spoilt(forAnotherKey(site)),
    comes: fault('bad-certificate', 'not-a-ca'),
    requests: 1,
  },
];

export const MAGNUM_SIGN: readonly Row[] = [
  ...EITHER,
  ...noText(NOT_JSON),
  {
    answer: 'a certificate for another key',
    effect: (site) => spoilt(forAnotherKey(site)),
    comes: fault('bad-answer', 'other-key'),
    requests: 4,
  },
  {
    answer: 'one of another CA with the same name, as of before a rotation',
    effect: (site) => spoilt(byAnotherCa(site)),
    comes: fault('bad-answer', 'other-ca'),
    requests: 4,
  },
  {
    answer: 'one of another CA with the same name, once',
    effect: (site) => spoilt(byAnotherCa(site)),
    times: 1,
    comes: 'success',
    requests: 2,
  },
  {
    answer: 'one for another address',
    effect: (site) => spoilt(wrongAddress(site)),
    comes: fault('bad-certificate', 'other-names'),
    requests: 1,
  },
  {
    answer: 'one for another group',
    effect: (site) => spoilt(wrongGroup(site)),
    comes: fault('bad-certificate', 'other-subject'),
    requests: 1,
  },
  {
    answer: 'the CA itself',
    effect: ({ cluster }) => spoilt(replacePem(() => cluster.ca.kubernetes)),
    comes: fault('bad-answer', 'other-key'),
    requests: 4,
  },
];
