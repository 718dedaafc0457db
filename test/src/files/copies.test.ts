import { expect, test } from 'vitest';
import type { PossibleCopy } from '../../../src/files/candidates.ts';
import { type Copies, findCopies } from '../../../src/files/copies.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';
const OWN = '/etc/kubernetes/kubelet.conf';

const kubeconfig = (user: string, ca = '/etc/kubernetes/ca.crt'): string => `apiVersion: v1
kind: Config
clusters: [{ name: k1, cluster: { certificate-authority: ${ca} } }]
users: [{ name: u, user: { ${user} } }]
`;
const named = (certificate: string): string =>
  kubeconfig(`client-certificate: ${certificate}, client-key: ${certificate}.key`);
const EMBEDDED = kubeconfig(
  `client-certificate-data: ${Buffer.from(PEM).toString('base64')}, client-key-data: QQ==`,
);

type Files = Record<string, string | (Partial<PossibleCopy> & { text: string })>;

const paths = ({ kubeconfigs, pems, ders }: Copies) => ({
  kubeconfigs: [...kubeconfigs.keys()],
  pems: [...pems.keys()],
  ders: [...ders.keys()],
});

/** @param candidates the files that are read first */
async function found(files: Files, candidates = Object.keys(files)) {
  const [read, passedOver]: [string[], string[]] = [[], []];
  const copies = await findCopies(
    candidates,
    [OWN],
    async (path) => {
      read.push(path);
      const file = files[path];
      const is = typeof file === 'string' ? { text: file } : file;
      return await Promise.resolve(is && { id: `id of ${path}`, isTrusted: true, isDer: false, ...is });
    },
    (path) => passedOver.push(path),
  );
  return { ...paths(copies), ids: [...copies.ids.keys()], users: copies.users, read, passedOver };
}

test('classifies files by content, whatever their names', async () => {
  const files = {
    '/a.yaml': named('/x.crt'),
    '/b.txt': `a comment\n${PEM}`,
    '/c.der': { text: PEM, isDer: true },
    '/pod.yaml': 'kind: Pod\n',
  };
  expect(await found(files)).toMatchObject({
    kubeconfigs: ['/a.yaml'],
    pems: ['/b.txt'],
    ders: ['/c.der'],
    ids: ['/a.yaml', '/b.txt', '/c.der', '/pod.yaml'],
    passedOver: [],
  });
});

test('includes the files that a kubeconfig names, relative to the kubeconfig, and reads each once', async () => {
  const files = { '/root/config': named('pki/me.crt'), '/root/pki/me.crt': PEM, '/root/pki/me.crt.key': PEM };
  const { pems, read } = await found(files, ['/root/pki/me.crt', '/root/config']);
  expect(pems).toEqual(['/root/pki/me.crt', '/root/pki/me.crt.key']);
  expect(read.toSorted()).toEqual(['/etc/kubernetes/ca.crt', OWN, ...pems, '/root/config'].toSorted());
});

test("excludes the layout's own kubeconfig, and includes the files that it names", async () => {
  const { kubeconfigs, pems } = await found({ [OWN]: named('/x.crt'), '/x.crt': PEM }, [OWN]);
  expect({ kubeconfigs, pems }).toEqual({ kubeconfigs: [], pems: ['/x.crt'] });
});

test('does not follow file names in a kubeconfig that others can change, and reports this', async () => {
  const files = { '/home/me/config': { text: named('/etc/shadow'), isTrusted: false }, '/etc/shadow': PEM };
  const { pems, read, passedOver, users } = await found(files, ['/home/me/config']);
  expect(pems).toEqual([]);
  expect(read).not.toContain('/etc/shadow');
  expect(passedOver).toContain('/etc/shadow');
  expect(users).toEqual([]);
});

test('uses only the embedded content of a kubeconfig that others can change', async () => {
  const { users } = await found({ '/home/me/config': { text: EMBEDDED, isTrusted: false } });
  expect(users).toHaveLength(1);
});

test('ignores an unreadable kubeconfig, and continues with the others', async () => {
  const files = { '/broken': 'clusters: [\ncertificate-authority: x\n', '/a.pem': PEM };
  expect(await found(files)).toMatchObject({ kubeconfigs: ['/broken'], pems: ['/a.pem'], users: [] });
});
