/** Control groups of systemd's units: version 2, and version 1 in parallel to it. */
export const CONTROL_GROUPS = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd'] as const;
