/** The unit of a container in which os-collect-config runs, with the node's /etc and /var: Magnum's own nodes have that. */
const CONTAINER = 'heat-container-agent.service';

/** The units that may have served the node before, by the names that their packages give them; a node has one of them. */
export const PREDECESSORS = ['os-collect-config.service', CONTAINER] as const;

/** What runs in the container of a unit. */
export const CONTAINED: ReadonlyMap<string, string> = new Map([[CONTAINER, 'os-collect-config']]);
