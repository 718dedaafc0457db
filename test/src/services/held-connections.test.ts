import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { countHeld, heldConnections } from '../../../src/services/held-connections.ts';

/** Lines of a kernel: a listener and a client of 6443, a client of another port, and a connection that is closing. */
const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:192B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21012 1 0000000000000000 100 0 0 10 0
   1: 0100007F:192B 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000     0        0 21013 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:D2F0 0100007F:192B 01 00000000:00000000 00:00000000 00000000     0        0 21014 1 0000000000000000 20 4 30 10 -1
   3: 0100007F:192B 0100007F:D2F1 06 00000000:00000000 00:00000000 00000000     0        0 21015 1 0000000000000000 20 4 30 10 -1
`;

test('counts the connections that clients hold to a port', () => {
  expect([countHeld(TABLE, 6443), countHeld(TABLE, 2379)]).toEqual([1, 0]);
});

test("reads the machine's own tables", async () => {
  const server = createServer().listen(0, '::');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  expect(await heldConnections(port)).toBe(0);
  const accepted = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  await accepted;
  expect(await heldConnections(port)).toBe(1);
  client.destroy();
  server.close();
});
