import { createHttp, type Http } from '../../src/openstack/http.ts';
import { identityV3 } from '../../src/openstack/keystone.ts';
import type { Hands } from '../hands.ts';
import type { Connection } from './connection.ts';

/** Makes a handshake with Keystone while trusting other CAs than the node does now. */
export const seeCloudWith =
  (connection: Connection, wrap: (http: Http) => Http): Hands['seeCloud'] =>
  async (authUrl, ca, abort) => {
    const http = createHttp({ ...connection, ca: () => ca, verify: true });
    const url = identityV3(authUrl);
    try {
      await wrap(http)({ what: `asking ${url} with the new CA bundle`, method: 'GET', url, abort });
    } finally {
      http.close();
    }
  };
