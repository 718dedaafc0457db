import { type AddressInfo, createServer } from 'node:net';

type Held = { port: number; free(): Promise<void> };

const holdPort = async (): Promise<Held> =>
  await new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const held = typeof address === 'object' && address ? (address satisfies AddressInfo).port : 0;
      const free = async (): Promise<void> =>
        await new Promise((done) => {
          server.close(() => {
            done();
          });
        });
      resolve({ port: held, free });
    });
  });

/** Returns unused loopback ports; all are held at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, holdPort));
  await Promise.all(held.map(async ({ free }) => await free()));
  return held.map(({ port }) => port);
}
