import { AgentError } from '../base/errors.ts';
import type { Material } from '../certificates/issue.ts';
import type { CaType } from '../certificates/layout.ts';
import type { Recognized } from '../certificates/recognize.ts';

/** What takes the place of a PEM that the node has now, wherever a copy of it lies. */
export type Renewal = {
  /** The new CA for a copy of an old one. */
  ca(pem: string): string | undefined;
  /** Whether it is a new CA already. */
  isNewCa(pem: string): boolean;
  /** The name of the certificate that a PEM, itself or its key, is a copy of. */
  nameOf(pem: string): string | undefined;
  /** @throws `config` for a name that was never issued */
  leaf(name: string): { certificate: string; key: string };
  /** @throws `config` for a CA that was never fetched */
  authority(type: CaType): string;
};

export function renewalOf(material: Material, recognize: (pem: string) => Recognized | undefined): Renewal {
  const authority = (type: CaType): string => {
    const pem = material.authorities.get(type);
    if (pem === undefined) throw missing(`${type} CA`);
    return pem;
  };
  return {
    authority,
    ca: (pem) => {
      const type = recognize(pem)?.ca;
      return type && authority(type);
    },
    isNewCa: (pem) => [...material.authorities.values()].some((fresh) => fresh.trim() === pem.trim()),
    nameOf: (pem) => recognize(pem)?.name,
    leaf: (name) => {
      const pair = material.certificates.get(name);
      if (!pair) throw missing(name);
      return pair;
    },
  };
}

/** A layout that names what it does not define; its check keeps this from happening. */
const missing = (name: string): AgentError => new AgentError('config', `the layout does not define ${name}`);
