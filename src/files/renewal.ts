import { AgentError } from '../base/errors.ts';
import type { Material } from '../certificates/issue.ts';
import type { CaType } from '../certificates/layout.ts';
import type { Recognized } from '../certificates/recognize.ts';

/** What a rotation brings. */
export type Fresh = Pick<Material, 'authorities'> & {
  /** undefined: certificates and keys stay as they are. */
  certificates: Material['certificates'] | undefined;
  /** What a file for who verifies holds of each CA: several certificates while an old one is still trusted. */
  trusted: ReadonlyMap<CaType, string>;
};

/** What takes the place of a PEM that the node has now, wherever a copy of it lies. */
export type Renewal = {
  /** What is trusted from now on, in place of a CA that was, or is one of these. */
  ca(pem: string): string | undefined;
  /** The same where exactly one certificate is taken, because a key of that CA signs beside it. */
  signer(pem: string): string | undefined;
  /** Whether it is the key of a CA. */
  isCaKey(pem: string): boolean;
  /** Whether certificates and keys stay as they are. */
  leavesStay: boolean;
  /** The name of the certificate that a PEM, itself or its key, is a copy of. */
  nameOf(pem: string): string | undefined;
  /** @throws `config` for a name that was never issued */
  leaf(name: string): { certificate: string; key: string };
  /** What is trusted of a CA. @throws `config` for one that was never fetched */
  authority(type: CaType): string;
  /** The new CA alone. @throws as `authority` */
  signing(type: CaType): string;
};

export function renewalOf(fresh: Fresh, recognize: (pem: string) => Recognized | undefined): Renewal {
  // The private key of a CA is no copy of its certificate.
  const typeOf = (pem: string): CaType | undefined =>
    pem.includes('PRIVATE KEY-----') ? undefined : recognize(pem)?.ca;
  return {
    authority: (type) => of(fresh.trusted, type),
    signing: (type) => of(fresh.authorities, type),
    ca: (pem) => {
      const type = typeOf(pem);
      return type
        ? of(fresh.trusted, type)
        : [...fresh.trusted.values()].find((trusted) => isOneOf(pem, trusted));
    },
    signer: (pem) => {
      const type = fresh.certificates && typeOf(pem);
      return type && of(fresh.authorities, type);
    },
    isCaKey: (pem) => pem.includes('PRIVATE KEY-----') && recognize(pem)?.ca !== undefined,
    leavesStay: fresh.certificates === undefined,
    nameOf: (pem) => (fresh.certificates ? recognize(pem)?.name : undefined),
    leaf: (name) => {
      const pair = fresh.certificates?.get(name);
      if (!pair) throw missing(name);
      return pair;
    },
  };
}

/** A layout that names what it does not define; its check keeps this from happening. */
const missing = (name: string): AgentError => new AgentError('config', `the layout does not define ${name}`);

function of(pems: ReadonlyMap<CaType, string>, type: CaType): string {
  const pem = pems.get(type);
  if (pem === undefined) throw missing(`${type} CA`);
  return pem;
}

const isOneOf = (pem: string, trusted: string): boolean =>
  pem.includes('CERTIFICATE-----') && trusted.includes(pem.trim());
