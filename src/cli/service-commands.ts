import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { auditAnchorFact, auditHeadFact, auditKeyFact, openChainKey } from '../audit/audit-log.ts';
import { verifyChain } from '../audit/verify-chain.ts';
import { readTarget } from '../config/load.ts';
import { readKey } from '../store/key-file.ts';
import { SqliteReader } from '../store/sqlite-reader.ts';
import { Vault } from '../store/vault.ts';
import { type Commands, examples } from './commands.ts';
import { chooseConfig } from './config-choice.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { json, type Terminal } from './terminal.ts';

/** Commands that keep a gateway in service. */
export function defineServiceCommands(commands: Commands): void {
  defineBoxCommands(commands);
  defineReloadCommand(commands);
  defineBackupCommands(commands);
}

function defineBoxCommands({ program, terminal, catalogues, version, done }: Commands): void {
  program
    .command('setup')
    .description(
      'from nothing to the first door: asks, finds brokers and locks, and writes a configuration with all it needs',
    )
    .option(
      '-c, --config <file>',
      'where it goes (default: $STRIKEPLATE_CONFIG, for root the site’s, else ./gateway.yaml)',
    )
    .option('--answers <file>', 'a YAML file with answers, which are not asked then: for many boxes alike')
    .option('-y, --yes', 'take what is usual where there is no answer, and ask nobody')
    .option('--replace', 'also where there is a configuration, which is put beside')
    .addHelpText(
      'after',
      `\nInterrupted, it goes on where it was. docs/installing.md lists the questions by their names in an answer file.${examples(
        ['strikeplate setup', 'strikeplate setup --replace --yes --answers /root/answers.yaml'],
      )}`,
    )
    .action(async (options) => {
      const [{ setup }, { thisBox }] = await Promise.all([
        import('./setup/setup.ts'),
        import('./setup/surroundings.ts'),
      ]);
      done(await setup(terminal, catalogues, thisBox, options));
    });

  program
    .command('renew-certificate')
    .description('issue the gateway’s certificate anew, by the authority that setup made')
    .option('-c, --config <file>', 'the configuration')
    .option('--within <days>', 'only where it ends within so many days', Number)
    .option('--names <list>', 'other names and addresses, with commas between (default: those it has)')
    .addHelpText('after', examples(['strikeplate renew-certificate --within 60']))
    .action(async (options) => {
      const { renewCertificate } = await import('./setup/own-authority.ts');
      done(await renewCertificate(terminal, options));
    });

  program
    .command('doctor')
    .description('look at everything a gateway needs, and print the line to type where something is not well')
    .option('-c, --config <file>', 'the configuration')
    .option('--json', 'print JSON; no secret is in it, so that it may be sent to support')
    .addHelpText(
      'after',
      `\nRun it as root on the gateway's box, whether the gateway runs or not. It changes nothing, and moves no door.
Exit code 1 when something is bad.${examples(['strikeplate doctor', 'strikeplate doctor --json > doctor.json'])}`,
    )
    .action(async (options) => {
      const { doctor } = await import('./doctor/doctor.ts');
      done(await doctor(terminal, catalogues, version, options));
    });
}

function defineReloadCommand({ program, terminal, done }: Commands): void {
  program
    .command('reload')
    .description('let the running gateway take over its changed configuration, without a restart')
    .option('-c, --config <file>', 'the configuration')
    .option('--url <address>', 'the gateway (default: $STRIKEPLATE_URL, else as the configuration says)')
    .option(
      '--key-file <file>',
      'file with an API key of scope admin (default: $STRIKEPLATE_API_KEY, else the key of this box)',
    )
    .option('--ca-file <file>', 'certificate authority of the gateway, PEM')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nDevices, links, the monitor and backups change while doors go on; what did not change does not notice. A file with a
mistake changes nothing. "systemctl reload strikeplate" does the same and needs no key.${examples(['strikeplate reload'])}`,
    )
    .action(async (options) => {
      const { reload } = await import('./change-configuration.ts');
      done(await reload(terminal, options));
    });
}

function defineBackupCommands({ program, terminal, catalogues, version, done }: Commands): void {
  program
    .command('backup [file]')
    .description('write everything of this gateway into one encrypted file, while it runs')
    .option('-c, --config <file>', 'the configuration')
    .option(
      '--passphrase-file <file>',
      "file whose first line is the passphrase (default: the section backup's, else it is asked for)",
    )
    .option('--scheduled', 'as the section backup says: into its folder, and the oldest ones there are deleted')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples([
        'strikeplate backup /mnt/usb/lobby.backup',
        'strikeplate backup --passphrase-file /root/backup.passphrase',
      ]),
    )
    .action(async (file, options) => {
      const { backup } = await import('./backup.ts');
      done(await backup(terminal, catalogues, version, file, options));
    });

  program
    .command('restore <file>')
    .description('put a backup in place, on this box or another, while no gateway runs')
    .option('-c, --config <file>', 'where the configuration goes (default: where it was)')
    .option('--state-dir <folder>', 'where the state goes (default: where it was)')
    .option('--passphrase-file <file>', 'file whose first line is the passphrase (default: it is asked for)')
    .option('--replace', 'also where something lies already; that is kept in a folder beside')
    .option('--list', 'only check it, and show what is in it')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples(['strikeplate restore lobby.backup --list', 'strikeplate restore lobby.backup --replace']),
    )
    .action(async (file, options) => {
      const { restoreBackup } = await import('./backup.ts');
      done(await restoreBackup(terminal, catalogues, file, options));
    });
}

/** `strikeplate audit`. */
export function defineAuditCommands({ program, terminal, done }: Commands): void {
  const audit = program.command('audit').description('check the audit log');
  audit
    .command('verify')
    .description('say whether the audit log is as it was written, and name the first link that is broken')
    .option('-c, --config <file>', 'the configuration')
    .option('--json', 'print JSON')
    .option('--head <seq:hash>', 'what was told elsewhere, such as on the retained topic audit/head', place)
    .action(async (options) => done(await verifyAudit(terminal, options)));
}

function place(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new InvalidArgumentError('It must be a number and 64 hexadecimal digits, with a colon between.');
}

interface Options {
  readonly config?: string;
  readonly json?: boolean;
  readonly head?: { readonly seq: number; readonly hash: string };
}

/** Reads the database beside a gateway that may be running, and changes nothing. */
export async function verifyAudit(terminal: Terminal, options: Options): Promise<ExitCode> {
  const choice = chooseConfig(terminal, options.config, { orSite: true });
  const { store } = await readTarget(choice.file, {
    env: terminal.env,
    ...(choice.stateDir !== undefined && { stateDir: choice.stateDir }),
  });
  if (!existsSync(store.path)) throw new CommandError('failed', `There is no database ${store.path}.`);
  const key = readKey(store.keyFile);
  if (key === undefined)
    throw new CommandError('failed', `The store's key ${store.keyFile} is missing: the chain cannot be checked.`);
  const reader = new SqliteReader(store.path);
  try {
    const sealed = reader.unverifiedFact(auditKeyFact);
    if (sealed === undefined)
      throw new CommandError(
        'failed',
        `The database ${store.path} has no audit log, or its key was taken out. It is kept from the first start of this version on.`,
      );
    const verdict = verifyChain({
      key: openChainKey(Vault.with(key, noRandomness), sealed),
      after: (seq, limit) => reader.auditAfter(seq, limit),
      head: reader.unverifiedFact(auditHeadFact),
      anchor: reader.unverifiedFact(auditAnchorFact),
      told: options.head,
    });
    if (options.json) terminal.out(json(verdict));
    else if (verdict.broken === undefined) {
      const { good, head, forgotten } = verdict;
      terminal.out(
        `${good} entries hang together, up to ${head === undefined ? 'none' : `${head.seq}:${head.hash}`}.` +
          (forgotten > 0 ? ` ${forgotten} names were forgotten.` : ''),
      );
    } else {
      const { seq, why } = verdict.broken;
      terminal.err(`The audit log is broken at ${seq}: ${why}. ${verdict.good} entries before it hang together.`);
    }
    return verdict.broken === undefined ? exitCodes.ok : exitCodes.failed;
  } finally {
    reader.close();
  }
}

function noRandomness(): never {
  throw new Error('verifying seals nothing');
}
