import { AgentError } from '../base/errors.ts';
import type { Material } from '../certificates/issue.ts';
import type { CaType } from '../certificates/layout.ts';
import type { Recognized } from '../certificates/recognize.ts';

/** The new material of a rotation. */
export type Fresh = Pick<Material, 'authorities'> & {
  /** undefined if certificates and keys stay. */
  certificates: Material['certificates'] | undefined;
  /** The trust bundle of each CA: several certificates while a former CA is still trusted. */
  trusted: ReadonlyMap<CaType, string>;
};

/** The replacements of the node's present PEMs, wherever copies of them are. */
export type Renewal = {
  /** Returns the trust bundle that replaces a former CA, or a CA of a new bundle. */
  ca(pem: string): string | undefined;
  /** Like `ca`, but for a file that must contain exactly one certificate, because that CA's key signs with it. */
  signer(pem: string): string | undefined;
  /** Whether the PEM is a CA's key. */
  isCaKey(pem: string): boolean;
  /** Whether certificates and keys stay. */
  leavesStay: boolean;
  /** Returns the certificate's name if the PEM is a copy of it or of its key. */
  nameOf(pem: string): string | undefined;
  /** Returns the new pair. @throws `config` for a name that was not issued */
  leaf(name: string): { certificate: string; key: string };
  /** Returns the trust bundle of a CA. @throws `config` for a CA that was not fetched */
  authority(type: CaType): string;
  /** Returns only the new CA. @throws as `authority` */
  signing(type: CaType): string;
};

export function renewalOf(fresh: Fresh, recognize: (pem: string) => Recognized | undefined): Renewal {
  // A CA's private key is not a copy of its certificate.
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

/** The layout names something undefined; validation prevents this. */
const missing = (name: string): AgentError => new AgentError('config', `the layout does not define ${name}`);

function of(pems: ReadonlyMap<CaType, string>, type: CaType): string {
  const pem = pems.get(type);
  if (pem === undefined) throw missing(`${type} CA`);
  return pem;
}

const isOneOf = (pem: string, trusted: string): boolean =>
  pem.includes('CERTIFICATE-----') && trusted.includes(pem.trim());
