import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openstack } from './real-cloud.ts';

/** Validates the operators' templates with a real Heat. */

const TEMPLATES = join(import.meta.dirname, '../../scripts/heat');

const ROTATION = { rotation: { Type: 'String' } };
const PARAMETERS: Record<string, unknown> = {
  'one-server.yaml': ROTATION,
  'group-in-batches.yaml': ROTATION,
  'fleet.yaml': { servers: { Type: 'Json' }, asked: { Type: 'String' } },
  'credentials.yaml': { trust_id: { Type: 'String' }, trustee_password: { NoEcho: 'true' } },
};

test.each(readdirSync(TEMPLATES).filter((name) => name.endsWith('.yaml')))('%s is valid', async (name) => {
  const answer = await openstack(
    'orchestration',
    'template',
    'validate',
    '-f',
    'json',
    '-t',
    join(TEMPLATES, name),
  );
  expect(JSON.parse(answer)).toMatchObject({ Parameters: PARAMETERS[name] });
});
