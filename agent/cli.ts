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
import { FORMER_CA, LIST, STACK, TO, WIDE, WITHOUT_TURN } from './cli/options.ts';
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
  const columns = (stdout.isTTY === true && stdout.columns) || 80;
  // Each verb copies these settings (exit and output) when it is added.
  const program = new Command('agent')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => columns,
    })
    .description(
      "replaces the certificates of a Magnum cluster's node when the cluster's owner rotates its CA",
    )
    .version(packageJson.version);
  const verb = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .addOption(new Option('--config <file>', 'configuration file').default(CONFIG_PATH))
      .addOption(new Option('--root <dir>', 'prefix of every path of the node').default('/'))
      .addOption(new Option('--log-level <level>', 'how much is logged').choices(LOG_LEVELS))
      // The daemon rejects the option with an explanation.
      .addOption(new Option('--json', 'one JSON object on standard output').hideHelp(name === 'run'))
      .addHelpText('after', helpOf(name, columns));

  verb('run', 'run the daemon: poll, execute deployments and report their results').action(
    run(async () => await import('./commands/run.ts')),
  );
  verb('run-once', 'run one pass, with progress on a terminal')
    .option('--dry-run', 'show what would be done, and change nothing')
    .option('--metadata <file>', 'read metadata from this file instead of the collectors')
    .option('--force <id>', 'repeat this deployment although it is done')
    .option(...WITHOUT_TURN)
    .option(...WIDE)
    .action(run(async () => await import('./commands/run-once.ts')));
  verb('plan', 'show what a pass would do, and why')
    .option('--metadata <file>', 'read metadata from this file instead of the collectors')
    .action(run(async () => await import('./commands/plan.ts')));
  verb('status', 'show the daemon, its deployments, and whether Heat has acknowledged them')
    .option('--all', 'also show older deployments and failures')
    .option(...WIDE)
    .addOption(
      new Option(
        '--check',
        'print one line with performance data, and exit as a Nagios plugin does',
      ).conflicts('json'),
    )
    .action(run(async () => await import('./commands/status.ts')));
  verb('certs', 'list every certificate of this node: path, names, issuer, expiry')
    .option(...WIDE)
    .action(run(async () => await import('./commands/certs.ts')));
  verb('make-cert', "make the node's first certificates and service-account keys")
    .option('--force', 'also replace a complete and valid set')
    .option('--no-recovery', 'at boot: leave an interrupted rotation to the daemon')
    .action(run(async () => await import('./commands/make-cert.ts')));
  verb('cluster-config', 'make a kubeconfig for a person, and print `export KUBECONFIG=...`')
    .requiredOption('--user <name>', 'name of the person: the CN of the certificate')
    .requiredOption('--dir <dir>', 'directory for key.pem, cert.pem, ca.pem and config')
    .option('--group <name>', 'group of the person: the O of the certificate')
    .option('--cluster <name-or-id>', 'on other machines: name the cluster, and log in with OS_CLOUD or OS_*')
    .addOption(new Option('--ca <type>', 'CA that signs it').choices(CA_TYPES).default('kubernetes'))
    .option('--force', 'replace existing files')
    .action(run(async () => await import('./commands/cluster-config.ts')));
  verb('doctor', 'check the node, and whether a rotation would succeed').action(
    run(async () => await import('./commands/doctor.ts')),
  );
  verb('restart', "restart the cluster's services in order, and prove that each presents its certificate")
    .option('--unit <name...>', 'restart only these units')
    .option(...WITHOUT_TURN)
    .option('--workloads', "restart the cluster's workloads instead, through this master's Kubernetes API")
    .action(run(async () => await import('./commands/restart.ts')));
  verb('repair', 'renew certificates and kubeconfigs that are not as they should be, with the same CA')
    .option('--dry-run', 'show the differences, and change nothing; exit code 1 if there is one')
    .option('--force', 'renew even if nothing differs')
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/repair.ts')));
  verb('revoke', 'install a revocation list, and prove that the services enforce it')
    .requiredOption('--crl <file>', 'revocation list in PEM or DER')
    .option('--allow-own', 'accept a list that revokes certificates of this node')
    .option('--prepare', 'install the list before a service is configured to read it; prove nothing')
    .option('--restart', 'also restart units that reload the list; this ends open connections')
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/revoke.ts')));
  verb('credentials', 'change the OpenStack credentials in every file, after a login with the new ones')
    .option('--from <file>', 'file of mode 0600 with the new credentials, or - for standard input')
    .option('--openstack-ca <file>', 'new CA bundle of the cloud, proven by a handshake first')
    .option('--where', 'show every place that holds a login, on this node and in the Kubernetes API')
    .option('--back', 'restore the former credentials')
    .option('--forget', 'delete the former credentials, which then cannot be restored')
    .option('--dry-run', 'show what would be done, and change nothing')
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/credentials.ts')));
  verb('migrate', 'replace os-collect-config and heat-agents on this node')
    .option('--dry-run', 'show what would be done, and change nothing')
    .option('--back', 'return the node to os-collect-config')
    .action(run(async () => await import('./commands/migrate.ts')));
  verb('rollback', 'restore the former certificates, from a stuck rotation or a kept generation')
    .option(...LIST)
    .option(...TO)
    .option(...FORMER_CA)
    .option(...WITHOUT_TURN)
    .action(run(async () => await import('./commands/rollback.ts')));
  verb('rotation', 'hold, continue or finish an automatic rotation')
    .addArgument(new Argument('<action>').choices(['finish', 'hold', 'continue']))
    .option('--now', 'finish: do not wait for peers that are behind')
    .option('--for <hours>', 'hold: duration, such as 8h')
    .action(run(async () => await import('./commands/rotation.ts')));
  verb('fleet', 'list every node of the cluster: phase, CA, expiry, version, last pass, reason of a wait')
    .option('--kubeconfig <file>', 'on other machines: the API server and the login')
    .addOption(new Option(...STACK).conflicts(['kubeconfig', 'watch']))
    .addOption(new Option('--watch', 'refresh every five seconds').conflicts('json'))
    .option(...WIDE)
    .action(run(async () => await import('./commands/fleet.ts')));
  verb('unit-paths', 'print a drop-in with the paths that the unit writes').action(
    run(async () => await import('./commands/unit-paths.ts')),
  );
  program.command('supervise <directory>', { hidden: true }).action(async (directory: string) => {
    const { superviseRun } = await import('./supervise.ts');
    await superviseRun(directory, pid);
  });
  return program;
}
