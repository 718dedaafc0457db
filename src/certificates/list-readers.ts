import type { ListReader } from './layout.ts';

/** How a kind of service handles its revocation list. */
export type ReaderTraits = {
  form: 'der' | 'pem';
  /** It rereads the file for each connection; otherwise only at its start. */
  rereads: boolean;
  /** It accepts a list only if the CA has signed it and may sign lists, and only until it expires. */
  verifies: boolean;
  /** Matches the setting that names the file, in the command line, the environment or the configuration. */
  names(path: string): RegExp;
  /** The same setting, as text for an operator. */
  setting(path: string): string;
  /** A setting that makes the service ignore that one. */
  overlooks?: { sign: RegExp; why: string } | undefined;
};

export const READERS: Readonly<Record<ListReader, ReaderTraits>> = {
  // Measured: etcd reads the file at every handshake, checks only serial numbers, and refuses every client if the file
  // is missing or invalid. 3.4 also reads PEM; later versions read only DER.
  etcd: {
    form: 'der',
    rereads: true,
    verifies: false,
    names: (path) =>
      new RegExp(String.raw`(?:--?client-crl-file|\bETCD_CLIENT_CRL_FILE)[=\s"']+${escaped(path)}${END}`),
    setting: (path) => `--client-crl-file=${path} (or ETCD_CLIENT_CRL_FILE)`,
    overlooks: {
      sign: /--?config-file|\bETCD_CONFIG_FILE=/,
      why: 'with a --config-file etcd ignores its other options, and the file has no such setting',
    },
  },
  // nginx, HAProxy and similar: OpenSSL's rules; they read the file at their start.
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
