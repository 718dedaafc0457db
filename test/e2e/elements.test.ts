import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash, randomBytes } from 'node:crypto';
import { execa } from 'execa';
import { beforeAll, expect, onTestFinished, test } from 'vitest';

/** The element's own steps, as diskimage-builder runs them. */

const ELEMENT = join(import.meta.dirname, '../../dib-elements/coe-agent');
const PACKAGE = randomBytes(300_000);
const CHECKSUM = createHash('sha256').update(PACKAGE).digest('hex');

beforeAll(async () => {
  await execa(join(import.meta.dirname, '../../scripts/image'), ['install']);
});

/** Serves the package, another file, half of the package, and nothing else. */
async function serve(): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/coe-agent.tar.gz') response.end(PACKAGE);
    else if (request.url === '/moved') response.writeHead(302, { location: '/coe-agent.tar.gz' }).end();
    else if (request.url === '/another') response.end('<html>Please log in</html>');
    else if (request.url === '/half') {
      response.writeHead(200, { 'content-length': PACKAGE.length });
      response.write(PACKAGE.subarray(0, 150_000), () => response.destroy());
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
}

/**
 * Returns what the step outside of the image leaves for those inside. @param cache where disk-image-create keeps
 * downloads
 */
async function fetchPackage(given: Record<string, string>, cache?: string) {
  const hooks = await mkdtemp(join(tmpdir(), 'coe-hooks-'));
  onTestFinished(async () => await rm(hooks, { recursive: true }));
  const step = '. "$0/environment.d/50-coe-agent" && exec "$0/extra-data.d/50-coe-agent"';
  const env = {
    PATH: process.env['PATH'],
    TMP_HOOKS_PATH: hooks,
    DIB_IMAGE_CACHE: cache ?? hooks,
    no_proxy: '127.0.0.1',
    ...given,
  };
  const { exitCode, stdout, stderr } = await execa('bash', ['-c', step, ELEMENT], {
    env,
    extendEnv: false,
    reject: false,
  });
  const into = join(hooks, 'coe-agent');
  return {
    exitCode,
    said: stdout + stderr,
    files: async () =>
      Object.fromEntries(
        await Promise.all(
          (await readdir(into)).map(async (name) => [name, await readFile(join(into, name))] as const),
        ),
      ),
  };
}

test.each(['coe-agent.tar.gz', 'moved'])(
  'fetches a package with its checksum from an address (%s)',
  async (path) => {
    const given = { DIB_COE_AGENT_URL: `${await serve()}/${path}`, DIB_COE_AGENT_SHA256: CHECKSUM };
    const { exitCode, said, files } = await fetchPackage(given);
    expect(exitCode, said).toBe(0);
    expect(await files()).toEqual({ 'coe-agent.tar.gz': PACKAGE });
  },
);

test('keeps a fetched package in the image cache, and uses it offline', async () => {
  const cache = await mkdtemp(join(tmpdir(), 'coe-cache-'));
  onTestFinished(async () => await rm(cache, { recursive: true }));
  const offline = {
    DIB_COE_AGENT_URL: 'http://127.0.0.1:9/',
    DIB_COE_AGENT_SHA256: CHECKSUM,
    DIB_OFFLINE: '1',
  };
  const refused = await fetchPackage(offline, cache);
  expect(refused.exitCode).toBe(1);
  expect(refused.said).toContain('DIB_OFFLINE is set');

  const address = `${await serve()}/coe-agent.tar.gz`;
  expect(
    (await fetchPackage({ ...offline, DIB_COE_AGENT_URL: address, DIB_OFFLINE: '' }, cache)).exitCode,
  ).toBe(0);
  const kept = await fetchPackage(offline, cache);
  expect(kept.exitCode, kept.said).toBe(0);
  expect(await kept.files()).toEqual({ 'coe-agent.tar.gz': PACKAGE });

  await writeFile(join(cache, `coe-agent-${CHECKSUM}.tar.gz`), 'half of it');
  expect((await fetchPackage(offline, cache)).exitCode).toBe(1);
});

test.each([
  ['another', 'checksum did NOT match'],
  ['half', 'curl'],
  ['nothing', '404'],
])('aborts the build on other content at the address (%s)', async (path, words) => {
  const given = { DIB_COE_AGENT_URL: `${await serve()}/${path}`, DIB_COE_AGENT_SHA256: CHECKSUM };
  const { exitCode, said } = await fetchPackage(given);
  expect(exitCode).not.toBe(0);
  expect(said).toContain(words);
});

test('fetches nothing without a checksum', async () => {
  const { exitCode, said } = await fetchPackage({ DIB_COE_AGENT_URL: `${await serve()}/coe-agent.tar.gz` });
  expect(exitCode).not.toBe(0);
  expect(said).toContain('requires DIB_COE_AGENT_SHA256');
});

test('prefers a local file to the address, and checks its checksum if given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coe-tarball-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  const [tarball, config] = [join(folder, 'package'), join(folder, 'config')];
  await writeFile(tarball, PACKAGE);
  await writeFile(config, 'keys: ec-p256\n');
  const given = { DIB_COE_AGENT_TARBALL: tarball, DIB_COE_AGENT_CONFIG: config };
  const { exitCode, said, files } = await fetchPackage({
    ...given,
    DIB_COE_AGENT_URL: 'http://127.0.0.1:9/',
  });
  expect(exitCode, said).toBe(0);
  expect(await files()).toEqual({
    'coe-agent.tar.gz': PACKAGE,
    'agent.yaml': Buffer.from('keys: ec-p256\n'),
  });
  const other = await fetchPackage({ ...given, DIB_COE_AGENT_SHA256: '0'.repeat(64) });
  expect(other.exitCode).not.toBe(0);
  expect(other.said).toContain('did NOT match');
});

/** diskimage-builder's own translation of the names in package-installs.yaml. */
const TRANSLATION = '/usr/lib/python3/dist-packages/diskimage_builder/elements/pkg-map/bin/pkg-map';
const PACKAGE_NAMES = ['libatomic', 'libstdcxx', 'util-linux'];
const DEBIAN = ['libatomic1', 'libstdc++6', 'util-linux'];
const RED_HAT = ['libatomic', 'libstdc++', 'util-linux'];

test.each([
  ['debian', DEBIAN],
  ['ubuntu', DEBIAN],
  ['fedora', RED_HAT],
  ['centos', RED_HAT],
  ['rhel', RED_HAT],
  ['rocky', RED_HAT],
  ['opensuse', DEBIAN],
])('names the packages that the runtime links against on %s', async (distro, names) => {
  const map = ['--pkg-map', join(ELEMENT, 'pkg-map'), '--distro', distro, ...PACKAGE_NAMES];
  const { stdout } = await execa('/usr/bin/python3', [TRANSLATION, ...map]);
  expect(stdout.split('\n')).toEqual(names);
});
