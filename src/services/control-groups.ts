/** Where the control groups of systemd's units are: in version 2, and in version 1 beside it. */
export const CONTROL_GROUPS = ['/sys/fs/cgroup', '/sys/fs/cgroup/systemd'] as const;
