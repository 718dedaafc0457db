/** The unit of the container in which Magnum's nodes run os-collect-config, with the node's /etc and /var mounted. */
export const CONTAINER = 'heat-container-agent.service';

/** Matches the image of heat-container-agent. */
const IMAGE = /(^|\/)heat-container-agent(:|@|$)/;

/**
 * Builds a command that runs a script in a container like that of heat-container-agent. It contains only the names of
 * variables; podman(1) takes the values from its own environment, because every user can read arguments.
 *
 * @param commandLines the command lines of the unit
 * @param variables the names of the variables to pass to the script
 * @returns the command, to which the script's path must be appended; undefined if the unit starts no container
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
