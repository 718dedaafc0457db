import type { ListReader } from './layout.ts';

/** How a kind of service goes by its list of revoked certificates. */
export type ReaderTraits = {
  form: 'der' | 'pem';
  /** It reads the file anew for each connection; otherwise once, when it starts. */
  rereads: boolean;
  /** It believes a list only when its CA has signed it and may sign lists, and only until the list expires. */
  verifies: boolean;
  /** What names the file, in its command line, its environment or its configuration. */
  names(path: string): RegExp;
  /** The same for a person. */
  setting(path: string): string;
  /** What makes it overlook that. */
  overlooks?: { sign: RegExp; why: string } | undefined;
};

export const READERS: Readonly<Record<ListReader, ReaderTraits>> = {
  // Measured: etcd reads the file at every handshake, goes by the serial numbers alone, and refuses everybody when the
  // file is not there or is none. 3.4 takes PEM as well, later ones DER alone.
  etcd: {
    form: 'der',
    rereads: true,
    verifies: false,
    names: (path) =>
      new RegExp(String.raw`(?:--?client-crl-file|\bETCD_CLIENT_CRL_FILE)[=\s"']+${escaped(path)}${END}`),
    setting: (path) => `--client-crl-file=${path} (or ETCD_CLIENT_CRL_FILE)`,
    overlooks: {
      sign: /--?config-file|\bETCD_CONFIG_FILE=/,
      why: 'etcd reads a --config-file, which has no setting for it, and overlooks its other options then',
    },
  },
  // nginx, HAProxy and their like: OpenSSL's rules, and the file is read when they start.
  openssl: {
    form: 'pem',
    rereads: false,
    verifies: true,
    setting: (path) => path,
    names: (path) => new RegExp(String.raw`[\s="']${escaped(path)}${END}`),
  },
};

const END = String.raw`(?=$|[\s"';,}])`;
const escaped = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
