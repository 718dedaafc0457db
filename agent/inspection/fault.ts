/** A fault of a certificate file or a kubeconfig of the node. */
export type Fault =
  | {
      code:
        | 'missing'
        | 'not-a-ca'
        | 'repeated'
        | 'wrong-issuer'
        | 'expired'
        | 'not-yet-valid'
        | 'no-pair'
        | 'own-key-mismatch'
        | 'own-key-unreadable';
    }
  | { code: 'key-missing' | 'key-mismatch' | 'key-unreadable'; path: string }
  /** It contains another certificate than the file that it copies. */
  | { code: 'differs'; path: string }
  /** `line`, counted from 1, is set for a kubeconfig with invalid YAML. */
  | { code: 'unreadable'; why: string; line?: number };

/** Describes a fault in words that follow the name of the file. */
export function describeFault(fault: Fault): string {
  switch (fault.code) {
    case 'missing':
      return 'is missing';
    case 'not-a-ca':
      return 'is not a CA';
    case 'repeated':
      return 'contains a certificate more than once';
    case 'wrong-issuer':
      return 'is not signed by the CA of the layout';
    case 'expired':
      return 'has expired';
    case 'not-yet-valid':
      return 'is not valid yet';
    case 'no-pair':
      return 'contains no certificate with its key';
    case 'own-key-mismatch':
      return 'contains a key that does not fit its certificate';
    case 'own-key-unreadable':
      return 'contains a key that cannot be read';
    case 'key-missing':
      return `its key ${fault.path} is missing`;
    case 'key-mismatch':
      return `its key ${fault.path} does not fit`;
    case 'key-unreadable':
      return `its key ${fault.path} cannot be read as a key`;
    case 'differs':
      return `differs from ${fault.path}`;
    case 'unreadable':
      return fault.why;
  }
}

/**
 * Describes the faults of one file in a sentence. The reason why a file cannot be read is a sentence itself and already
 * names the file.
 */
export const sentenceOn = (file: string, faults: readonly Fault[]): string => {
  const unreadable = faults.filter(({ code }) => code === 'unreadable').map(describeFault);
  const words = faults.filter(({ code }) => code !== 'unreadable').map(describeFault);
  return [...(words.length > 0 ? [`${file} ${words.join('; ')}`] : []), ...unreadable].join('; ');
};
