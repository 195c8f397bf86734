import { type Commands, examples } from './commands.ts';

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
