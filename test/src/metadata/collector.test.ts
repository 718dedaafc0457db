import { expect, test } from 'vitest';
import { asksCloud, bringsFacts, SERVED_COLLECTORS } from '../../../src/metadata/collector.ts';

test("the server's own facts request no work, and local files are not the cloud", () => {
  expect(SERVED_COLLECTORS.filter(bringsFacts)).toEqual(['ec2', 'config_drive']);
  expect(SERVED_COLLECTORS.filter(asksCloud)).toEqual(['heat', 'cfn', 'request', 'zaqar']);
});
