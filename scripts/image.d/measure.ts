import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCloud } from '../../test/cloud/cloud.ts';
import { bootImage } from '../../test/e2e/image.ts';

/**
 * `scripts/image measure`: measures what the agent and os-collect-config's packages add to the same image, and how soon
 * and how large each runs in it. Both get the same file from Heat and poll the same cloud; they are booted in turn.
 */

const [folder = ''] = process.argv.slice(2);
const BOOTS = 3;
/** Enough polls to load everything that is loaded once. */
const POLLS = 5;

const AGENTS = [
  { image: 'coe-agent', unit: 'coe-agent.service' },
  { image: 'os-collect-config', unit: 'os-collect-config.service' },
] as const;

/** Debian's package has no unit of its own. */
const PREDECESSOR = `[Unit]
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/bin/os-collect-config
Restart=on-failure
`;

/** One boot: seconds from systemd's start to the first request for metadata, and resident MB after some more. */
type Boot = { firstPoll: number; resident: number };

/** Bytes of all files in an image. */
async function sizeOf(image: string): Promise<number> {
  const list = promisify(execFile)('tar', ['--list', '--verbose', '-f', tarball(image)], {
    maxBuffer: 2 ** 28,
  });
  return (await list).stdout
    .split('\n')
    .map((line) => Number(/^-\S+\s+\S+\s+(\d+)/.exec(line)?.[1] ?? 0))
    .reduce((sum, bytes) => sum + bytes, 0);
}

const tarball = (image: string): string => join(folder, `${image}.tar`);

async function boot({ image, unit }: (typeof AGENTS)[number]): Promise<Boot> {
  const cloud = await startCloud();
  try {
    const cluster = await cloud.createCluster({
      name: 'k1',
      servers: [{ name: 'worker-0', role: 'worker' }],
    });
    const polls = (): number =>
      cloud.requests.filter(({ service, path }) => service === 'heat' && path.endsWith('/metadata')).length;
    const firstPoll = async (): Promise<number> => {
      await cloud.until(() => polls() > 0, 600_000);
      return Number(process.hrtime.bigint() / 1000n);
    };
    const first = firstPoll();
    const settings = Object.entries(cluster.collectConfig('worker-0').heat);
    const collectConfig = [
      '[DEFAULT]\ncollectors = heat\ncommand = /bin/true\n',
      '[heat]',
      ...settings.map((pair) => pair.join(' = ')),
      '',
    ].join('\n');
    const system = '/etc/systemd/system';
    const isPredecessor = image === 'os-collect-config';
    const machine = await bootImage(
      { tarball: tarball(image) },
      {
        files: {
          '/etc/os-collect-config.conf': [collectConfig, 0o600],
          ...(isPredecessor ? { [`${system}/${unit}`]: [PREDECESSOR, 0o644] as const } : {}),
        },
        links: isPredecessor ? { [`${system}/multi-user.target.wants/${unit}`]: `../${unit}` } : {},
      },
    );
    try {
      const asked = await first;
      await cloud.until(() => polls() >= POLLS, 600_000);
      const show = async (name: string, ...of: string[]): Promise<string> =>
        await machine.run('systemctl', 'show', '--value', `--property=${name}`, ...of);
      const began = Number(await show('UserspaceTimestampMonotonic'));
      const status = await machine.run('cat', `/proc/${await show('MainPID', unit)}/status`);
      const kibibytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
      return { firstPoll: (asked - began) / 1e6, resident: (kibibytes * 1024) / 1e6 };
    } finally {
      await machine.close();
    }
  } finally {
    await cloud.close();
  }
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

const plain = await sizeOf('plain');
const boots = new Map<string, Boot[]>(AGENTS.map(({ image }) => [image, []]));
for (let time = 0; time < BOOTS; time += 1)
  for (const agent of AGENTS) boots.get(agent.image)?.push(await boot(agent));

console.log(
  '| | added to the image | first poll after the boot begins | resident, idle |\n|---|---|---|---|',
);
for (const { image } of AGENTS) {
  const of = boots.get(image) ?? [];
  const cells = [
    image,
    `${(((await sizeOf(image)) - plain) / 1e6).toFixed(0)} MB`,
    `${median(of.map(({ firstPoll }) => firstPoll)).toFixed(1)} s`,
    `${median(of.map(({ resident }) => resident)).toFixed(0)} MB`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
