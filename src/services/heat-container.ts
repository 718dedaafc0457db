/** The unit of the container in which Magnum's own nodes run os-collect-config, with the node's /etc and /var. */
export const CONTAINER = 'heat-container-agent.service';

/** The program's name in the container, and what it is started with there. */
const IMAGE = /(^|\/)heat-container-agent(:|@|$)/;

/**
 * A command that runs a script in a container like the one of heat-container-agent. Names of variables alone are in
 * it, podman(1) takes their values from its own environment: arguments can be read by everybody.
 *
 * @param commandLines how the unit is started
 * @param variables the names of what the script is to see
 * @returns the command, which wants the script's path as its last argument; undefined: the unit starts no container
 */
export function commandLike(
  commandLines: readonly string[],
  podman: string,
  variables: readonly string[],
): readonly string[] | undefined {
  const [program = '', verb, ...rest] = (commandLines[0] ?? '').split(/\s+/);
  if (!/(^|\/)podman$/.test(program) || verb !== 'run') return undefined;
  const image = rest.findIndex(
    (word, index) => IMAGE.test(word) && !/^--?(name|n)$/.test(rest[index - 1] ?? ''),
  );
  if (image === -1) return undefined;
  const name = rest.indexOf('--name');
  const options = rest
    .slice(0, image)
    .filter(
      (word, index) => (name === -1 || (index !== name && index !== name + 1)) && !word.startsWith('--name='),
    );
  const environment = variables.flatMap((variable) => ['--env', variable]);
  return [podman, 'run', '--rm', ...options, ...environment, rest[image] ?? '', '/bin/bash'];
}
