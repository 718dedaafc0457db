import { Argument, Command, CommanderError, Option } from 'commander';
import { createDisk } from '../src/base/real-disk.ts';
import { AgentError, explain } from '../src/base/errors.ts';
import { createLog, LOG_LEVELS, type LogLevel } from '../src/base/log.ts';
import { printable } from '../src/base/printable.ts';
import { createSecrets } from '../src/base/secrets.ts';
import { CA_TYPES } from '../src/certificates/layout.ts';
import packageJson from '../package.json' with { type: 'json' };
import type { Instrument } from './compose.ts';
import { CONFIG_PATH } from './config.ts';
import { helpOf } from './cli/help.ts';
import { FORMER_CA, LIST, TO, WIDE, WITHOUT_TURN } from './cli/options.ts';
import { EVENTS } from './events.ts';
import { isJournal, openJournal } from './journal.ts';
import { EXIT, type ExitCode, exitCodeOf } from './commands/exit-code.ts';
import { writeJsonError } from './commands/json-answer.ts';
import { ERASE } from './commands/live-line.ts';
import type { Verb } from './commands/verb.ts';
import { withAbilities, type ProcessIo } from './process-io.ts';

/** Options of every verb. */
type Shared = { config: string; root: string; logLevel?: LogLevel; json?: true };

/**
 * Runs the command line.
 *
 * @param instrument for tests
 * @returns the exit code; never throws
 */
export async function runCli(world: ProcessIo, instrument?: Instrument): Promise<ExitCode> {
  const secrets = createSecrets();
  let code: ExitCode = EXIT.done;
  let isAnswered = false;
  const stdout = {
    ...withAbilities(world.stdout, world.env),
    write: (text: string) => {
      isAnswered = true;
      return world.stdout.write(text);
    },
  };
  /** With `--json`, standard output always holds one object. */
  const fail = (error: unknown): void => {
    if (world.argv.includes('--json') && !isAnswered) writeJsonError({ world, secrets }, error);
  };
  const run = (verb: () => Promise<{ verb: Verb }>) =>
    async function (this: Command): Promise<void> {
      const { config, root, logLevel, json } = this.optsWithGlobals<Shared>();
      const terminal = world.stderr.isTTY === true;
      const isWatched = terminal && stdout.isTTY === true && json !== true && this.name() !== 'run';
      const journal = isJournal(world.env) ? await openJournal() : undefined;
      const log = createLog({
        events: EVENTS,
        level: logLevel ?? 'info',
        style: world.env['JOURNAL_STREAM'] === undefined ? (terminal ? 'text' : 'json') : 'journal',
        secrets,
        write: (line, entry) => {
          if (journal?.(entry) === true) return;
          if (isWatched && logLevel === undefined && isShown(entry.event, stdout.isLive === true)) return;
          world.stderr.write(`${terminal && stdout.isLive === true ? ERASE : ''}${line}`);
        },
      });
      const context = {
        world: { ...world, stdout },
        verb: this.name(),
        words: this.args,
        log,
        secrets,
        root,
        disk: createDisk(root),
        configPath: config,
        configIsNamed: this.getOptionValueSource('config') === 'cli',
        collects: COLLECTING.has(this.name()),
        json: json === true,
        levelIsGiven: logLevel !== undefined,
        instrument,
      };
      refuseSwallowedOptions(this);
      const { verb: start } = await verb();
      code = await start(context, this.opts(), this.name());
    };

  const program = buildProgram(world, run);
  try {
    await program.parseAsync([...world.argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.done;
      fail(new AgentError('usage', error.message));
      return EXIT.usage;
    }
    fail(error);
    const stack = error instanceof AgentError || !(error instanceof Error) ? '' : `\n${error.stack}`;
    if (stdout.isLive === true && world.stderr.isTTY === true) world.stderr.write(ERASE);
    world.stderr.write(printable(secrets.redact(`agent: ${explain(error)}${stack}\n`)));
    return exitCodeOf(error);
  }
}

/** Whether the terminal already shows an event: the live line shows retries, the progress shows a deployment's end. */
const isShown = (event: unknown, isLive: boolean): boolean =>
  event === 'retrying' ? isLive : event === 'deployment-succeeded' || event === 'deployment-failed';

/** Verbs that ask the collectors or describe how to ask them. Every other verb works without collectors. */
const COLLECTING: ReadonlySet<string> = new Set(['run', 'run-once', 'plan', 'status', 'doctor', 'migrate']);

/**
 * commander takes the next word as an option's value even if that word is an option: `--unit --root DIR` would restart
 * units on the wrong root.
 *
 * @throws `usage`
 */
function refuseSwallowedOptions(command: Command): void {
  const flags = command.options.flatMap(({ short, long }) => [short, long]);
  const isOption = (word: unknown): word is string =>
    typeof word === 'string' && word.startsWith('-') && flags.includes(word.split('=', 1).join());
  for (const option of command.options) {
    const values: unknown[] = [command.getOptionValue(option.attributeName())].flat();
    const swallowed = values.find(isOption);
    if (swallowed !== undefined)
      throw new AgentError('usage', `${option.flags}: the value is missing, ${swallowed} follows`);
  }
}

type Run = (verb: () => Promise<{ verb: Verb }>) => (this: Command) => Promise<void>;

/** Defines every verb with its options. The code of a verb is loaded when the verb is called. */
export function buildProgram({ stdout, stderr, pid }: ProcessIo, run: Run): Command {
  // Each verb copies these settings (exit and output) when it is added.
  const program = new Command('agent')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    .description(
      "Replaces the certificates of a Magnum cluster's node when the cluster's owner rotates its CA.",
    )
    .version(packageJson.version);
  const verb = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .addOption(new Option('--config <file>', 'configuration file').default(CONFIG_PATH))
      .addOption(new Option('--root <dir>', 'prefix of every path of the node').default('/'))
      .addOption(new Option('--log-level <level>', 'how much is logged').choices(LOG_LEVELS))
      .option('--json', 'one JSON object on standard output')
      .addHelpText('after', helpOf(name));

  verb('run', 'the daemon: poll, do what is asked, answer; what the unit starts').action(
    run(async () => await import('./commands/run.ts')),
  );
  verb('run-once', 'one pass, with progress on a terminal')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--metadata <file>', 'go by this file in place of what the collectors bring')
    .option('--force <id>', 'do this deployment again although it has been done')
    .option(...WITHOUT_TURN)
    .option(...WIDE)
    .action(run(async () => await import('./commands/run-once.ts')));
  verb('plan', 'what a pass would do, and why')
    .option('--metadata <file>', 'go by this file in place of what the collectors bring')
    .action(run(async () => await import('./commands/plan.ts')));
  verb('status', 'what has been done, whether Heat has acknowledged it, and whether the daemon runs')
    .option('--all', 'also older deployments and failures')
    .option(...WIDE)
    .addOption(
      new Option(
        '--check',
        'one line with performance data and an exit code, as plugins of Nagios have them',
      ).conflicts('json'),
    )
    .action(run(async () => await import('./commands/status.ts')));
  verb('certs', 'every certificate of this node: where it is, whose it is, until when')
    .option(...WIDE)
    .action(run(async () => await import('./commands/certs.ts')));
  verb('make-cert', "the node's first certificates and service-account keys")
    .option('--force', 'make new ones although the node has a good set')
    .option('--no-recovery', 'leave an interrupted rotation to the daemon: for a unit that others wait for')
    .action(run(async () => await import('./commands/make-cert.ts')));
  verb('cluster-config', 'a client certificate and a kubeconfig for a person; prints `export KUBECONFIG=...`')
    .requiredOption('--user <name>', 'who it is for: the CN of the certificate')
    .requiredOption('--dir <dir>', 'where key.pem, cert.pem, ca.pem and config go')
    .option('--group <name>', 'the group of the user: the O of the certificate')
    .option(
      '--cluster <name-or-id>',
      'away from a node: the cluster, asked with the login of OS_CLOUD or OS_*',
    )
    .addOption(new Option('--ca <type>', 'the CA that signs').choices(CA_TYPES).default('kubernetes'))
    .option('--force', 'replace what is there')
    .action(run(async () => await import('./commands/cluster-config.ts')));
  verb('doctor', 'would a rotation succeed now, and is the node right now').action(
    run(async () => await import('./commands/doctor.ts')),
  );
  verb('restart', "restart the cluster's services in order, and see each of them serve its certificate")
    .option('--unit <name...>', 'only these')
    .option(...WITHOUT_TURN)
    .option('--workloads', "the cluster's workloads in place of them, through this master's Kubernetes API")
    .action(run(async () => await import('./commands/restart.ts')));
  verb('repair', 'every certificate and kubeconfig anew, with the same CA, when one is not what it should be')
    .option('--dry-run', 'show what differs, and do nothing; exit code 1 when something would be repaired')
    .option('--force', 'also when nothing differs')
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/repair.ts')));
  verb('revoke', 'put a list of revoked certificates in place, and see the services go by it')
    .requiredOption('--crl <file>', 'the list: PEM or DER')
    .option('--allow-own', 'also one that revokes what this node itself uses')
    .option('--prepare', 'for a service that is not configured to read it yet; nothing is proven')
    .option('--restart', 'restart also what reads the file by itself: that ends open connections')
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/revoke.ts')));
  verb('credentials', 'other OpenStack credentials in every file that holds them, proven by a login first')
    .option('--from <file>', 'a file of mode 0600 with them, or - for standard input')
    .option('--openstack-ca <file>', 'another CA bundle of the cloud, proven by a handshake first')
    .option('--where', 'show every place that holds a login, on this node and in the Kubernetes API')
    .option('--back', 'put the former ones back')
    .option('--forget', 'drop the former ones: there is no way back then')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/credentials.ts')));
  verb('migrate', 'take the place of os-collect-config and heat-agents on this node')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--back', 'give the node back to os-collect-config')
    .action(run(async () => await import('./commands/migrate.ts')));
  verb('rollback', 'restore former certificates, of a stuck rotation or a kept generation')
    .option(...LIST)
    .option(...TO)
    .option(...FORMER_CA)
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/rollback.ts')));
  verb('rotation', 'what becomes of a rotation that goes on by itself on this node')
    .addArgument(new Argument('<action>').choices(['finish', 'hold', 'continue']))
    .option('--now', 'finish: wait for no peer that is behind')
    .option('--for <hours>', 'hold: for so long, such as 8h; then it ends by itself')
    .action(run(async () => await import('./commands/rotation.ts')));
  verb('fleet', 'every node of the cluster: phase, CA, expiry, version, last pass, what it waits for')
    .option('--kubeconfig <file>', 'away from a master: the API server to ask, and the login')
    .addOption(new Option('--watch', 'show it again every five seconds').conflicts('json'))
    .option(...WIDE)
    .action(run(async () => await import('./commands/fleet.ts')));
  verb('unit-paths', 'what the unit must be able to write, as a drop-in for it').action(
    run(async () => await import('./commands/unit-paths.ts')),
  );
  program.command('supervise <directory>', { hidden: true }).action(async (directory: string) => {
    const { superviseRun } = await import('./supervise.ts');
    await superviseRun(directory, pid);
  });
  return program;
}
