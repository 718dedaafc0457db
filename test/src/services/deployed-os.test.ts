import { expect, test } from 'vitest';
import { deployedOs, type DeployedOs } from '../../../src/services/deployed-os.ts';
import { NEVER } from '../support/clock.ts';
import { agentErrorOf } from '../support/outcome-of.ts';
import { programOf } from '../support/program.ts';

const NONE = { commit: undefined, remote: undefined };

/** An answer of rpm-ostree(1), with the keys that its other deployments and versions have too. */
const status = (...deployments: object[]): string => JSON.stringify({ deployments, transaction: null });
const BOOTED = {
  booted: true,
  checksum: '0e7d',
  origin: 'ostree://fedora:fedora/x86_64/coreos/stable',
  packages: [],
};

const ask = async (answer: string, exit = 0, abort = NEVER): Promise<DeployedOs> => {
  const { program } = await programOf(`cat <<'END'\n${answer}\nEND\nexit ${exit}`);
  return await deployedOs(program)(abort);
};

test('finds what is booted, not what is staged for the next boot', async () => {
  const staged = { booted: false, checksum: 'f00d', origin: 'ostree://other' };
  expect(await ask(status(staged, BOOTED))).toEqual({
    commit: '0e7d',
    remote: 'fedora:fedora/x86_64/coreos/stable',
  });
});

test('finds nothing if no deployment is booted, or its origin is not known', async () => {
  expect(await ask(status({ checksum: 'f00d' }))).toEqual(NONE);
  expect(await ask(status({ booted: true, checksum: '0e7d' }))).toEqual({ ...NONE, commit: '0e7d' });
});

test('finds nothing on a host without rpm-ostree', async () => {
  expect(await deployedOs('/nowhere/rpm-ostree')(NEVER)).toEqual(NONE);
});

test.each([
  ['fails', status(BOOTED), 1],
  ['answers with another text', 'error: no daemon', 0],
  ['answers with other keys', '{"deployments":{}}', 0],
])('does not take a host whose rpm-ostree %s for one without it', async (_, answer, exit) => {
  expect(await agentErrorOf(ask(answer, exit))).toMatchObject({ code: 'precondition' });
});

test('stops with the program', async () => {
  expect(await agentErrorOf(ask(status(BOOTED), 0, AbortSignal.abort()))).toMatchObject({ code: 'aborted' });
});
