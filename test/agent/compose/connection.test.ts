import { createServer, request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { logged } from '../../scenarios/support/logged.ts';
import { cloudForFile } from '../../cloud/for-file.ts';
import { createSite } from '../../scenarios/support/site.ts';

const cloud = await cloudForFile();

/** Starts a plain HTTP proxy that forwards and records its requests. */
async function startProxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const proxy = createServer((incoming, outgoing) => {
    const { pathname, search } = new URL(incoming.url ?? '');
    asked.push(`${incoming.method} ${pathname}${search}`);
    const { method, headers } = incoming;
    const onward = request(incoming.url ?? '', { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = proxy.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`, asked };
}

const NOWHERE = 'http://127.0.0.1:1';

test.each([
  ['heat-params', (url: string) => ({ params: { HTTP_PROXY: url }, env: { http_proxy: NOWHERE } })],
  ['the environment', (url: string) => ({ env: { HTTP_PROXY: url } })],
  [
    'heat-params without its scheme',
    (url: string) => ({ params: { HTTP_PROXY: url.replace('http://', '') } }),
  ],
  ['heat-params in capitals', (url: string) => ({ params: { HTTP_PROXY: url.toUpperCase() } })],
  ['the environment, in small letters', (url: string) => ({ env: { http_proxy: url, HTTP_PROXY: NOWHERE } })],
])('uses the proxy of %s for a whole rotation, from poll to signal', async (_, settings) => {
  const proxy = await startProxy();
  const site = await createSite(cloud, settings(proxy.url));
  await cloud.rotateCa(site.cluster);
  const before = cloud.requests.length;
  proxy.asked.length = 0;
  expect((await site.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
  expect(proxy.asked).toEqual(cloud.requests.slice(before).map(({ method, path }) => `${method} ${path}`));
  expect(proxy.asked.at(-1)).toMatch(/^POST .*\/signal$/);
});

test.each(['example.com,127.0.0.1', '10.0.0.0/8,127.0.0.0/8'])(
  'connects directly to hosts of NO_PROXY (%s)',
  async (no) => {
    const proxy = await startProxy();
    const site = await createSite(cloud, { params: { HTTP_PROXY: proxy.url, NO_PROXY: no } });
    await cloud.rotateCa(site.cluster);
    expect((await site.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
    expect(proxy.asked).toEqual([]);
  },
);

test('ignores and reports a proxy of another kind, without its password', async () => {
  const site = await createSite(cloud, {
    params: { HTTP_PROXY: 'socks5://user:correct-horse@proxy.example:1080' },
  });
  await cloud.rotateCa(site.cluster);
  expect((await site.pass()).settled).toMatchObject([{ outcome: { statusCode: 0 } }]);
  expect(logged(site.log, 'proxy-ignored')).toMatchObject([{ level: 'warn', setting: 'HTTP_PROXY' }]);
  expect(site.log.join('')).not.toContain('correct-horse');
});
