import { expect, test } from 'vitest';
import { commandLike } from '../../../src/services/heat-container.ts';

/** ExecStart= of heat-container-agent.service in Magnum 15, with the variables expanded as systemd does. */
const START =
  '/bin/podman run --name heat-container-agent --net=host --privileged --volume /srv/magnum:/srv/magnum ' +
  '--volume /etc:/etc docker.io/openstackmagnum/heat-container-agent:wallaby-stable-1 /usr/bin/start-heat-container-agent';

test('keeps the options and the image, and replaces name, program and environment', () => {
  expect(commandLike([START], '/usr/bin/podman', ['deploy_id', 'heat_outputs_path'])).toEqual([
    '/usr/bin/podman',
    'run',
    '--rm',
    '--net=host',
    '--privileged',
    '--volume',
    '/srv/magnum:/srv/magnum',
    '--volume',
    '/etc:/etc',
    '--env',
    'deploy_id',
    '--env',
    'heat_outputs_path',
    'docker.io/openstackmagnum/heat-container-agent:wallaby-stable-1',
    '/bin/bash',
  ]);
});

test('drops a name that is written with an equals sign', () => {
  const command = commandLike(
    ['podman run --name=heat-container-agent --rm registry/heat-container-agent@sha256:12'],
    'podman',
    [],
  );
  expect(command).toEqual([
    'podman',
    'run',
    '--rm',
    '--rm',
    'registry/heat-container-agent@sha256:12',
    '/bin/bash',
  ]);
});

test.each([
  [[]],
  [['/usr/bin/os-collect-config']],
  [['/bin/podman start heat-container-agent']],
  [['/bin/docker run registry/heat-container-agent:1']],
  // The name of the container is not its image.
  [['/bin/podman run --name heat-container-agent registry/another:1']],
])('is undefined for a unit that starts another container: %j', (lines) => {
  expect(commandLike(lines, '/bin/podman', [])).toBeUndefined();
});
