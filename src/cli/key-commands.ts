import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { newZwaveKeys } from '../config/zwave-keys.ts';
import { verifyAudit } from './audit.ts';
import type { Commands } from './commands.ts';
import { CommandError, type ExitCode, exitCodes } from './exit.ts';
import { changeKey, createKey, listKeys, revokeKey, rotateKey } from './keys.ts';
import type { Terminal } from './terminal.ts';

/** `strikeplate keys`. */
export function defineKeyCommands({ program, terminal, done }: Commands): void {
  const keys = program
    .command('keys')
    .description('make, change, list and revoke API keys; change the store’s key; make the keys of a Z-Wave network');
  const configured = (command: Command) =>
    command.option('-c, --config <file>', 'the configuration').option('--json', 'print JSON');
  const reaching = (command: Command, whole: string) =>
    configured(command)
      .option('--scopes <list>', `what it may do: read, control, codes, metrics, admin${whole}`)
      .option('--devices <list>', 'the devices it is for, by their ids in the configuration; no others exist for it')
      .option('--spaces <list>', 'the same by space_ids: the doors that are in them at any moment')
      .option('--expires <when>', 'when it ends: a number of days (90d) or a time (2027-01-31T12:00:00Z)');
  const saved = (command: Command) =>
    command.option(
      '--save [file]',
      'keep it in a file instead of printing it (default: where commands on this box look)',
    );

  saved(reaching(keys.command('create'), ' (default: all but admin; with a bare --save all)'))
    .description('make a key and print it, once; a running gateway takes it at once')
    .requiredOption('--name <name>', 'who or what will use it')
    .action(async (options) => done(await createKey(terminal, options)));
  configured(keys.command('list'))
    .description('list the keys; the keys themselves are kept nowhere')
    .action(async (options) => done(await listKeys(terminal, options)));
  reaching(keys.command('change <key>'), '')
    .description('change what a key may do, where, and until when')
    .option('--name <name>', 'another name')
    .option('--all-devices', 'it is for all devices from now on')
    .option('--never-expires', 'it does not end')
    .action(async (key, options) => done(await changeKey(terminal, key, options)));
  saved(configured(keys.command('rotate <key>')))
    .description('give a key another secret, under the same id and name')
    .option('--overlap <hours>', 'how long the old secret is still taken', hours, 24 * 3_600_000)
    .action(async (key, options) => done(await rotateKey(terminal, key, options)));
  configured(keys.command('revoke <key>'))
    .description('make a key invalid, by its id or its name')
    .action(async (key, options) => done(await revokeKey(terminal, key, options)));
  configured(keys.command('rekey-store'))
    .description(
      'seal everything with a new store key, while no gateway runs; cut off, it is finished at the next start',
    )
    .action(async (options) => {
      const { rekey } = await import('./rekey.ts');
      done(await rekey(terminal, options));
    });
  keys
    .command('zwave <file>')
    .description('make the security keys of a new Z-Wave network, for keys_file of its stick')
    .action((file) => done(createZwaveKeys(terminal, file)));
  keys.addHelpText('after', `\n\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
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
    .action((options) => done(verifyAudit(terminal, options)));
}

function place(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  throw new InvalidArgumentError('It must be a number and 64 hexadecimal digits, with a colon between.');
}

const examples = [
  'strikeplate keys create --name booking-system --scopes read,control',
  'strikeplate keys create --name flat-3 --scopes read,control --devices flat-3,entrance --expires 365d',
  'strikeplate keys create --name cli --save',
  'strikeplate keys rotate booking-system --overlap 48',
  'strikeplate keys revoke booking-system',
];

/** @returns milliseconds */
function hours(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 24 * 90) return value * 3_600_000;
  throw new InvalidArgumentError('It must be a whole number of hours, at most 2160.');
}

/** Makes the security keys of a new Z-Wave network, never over others: locks obey nobody who has lost theirs. */
export function createZwaveKeys(terminal: Terminal, name: string): ExitCode {
  const file = resolve(terminal.cwd, name);
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, newZwaveKeys(randomBytes), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST' ? 'it exists already, and the locks of its network need the keys in it' : String(code);
    throw new CommandError('failed', `No keys were made, because ${file} cannot be written: ${why}.`, { cause: error });
  }
  terminal.out(`The keys of a new Z-Wave network are in ${file}. Back it up before the first lock is included.`);
  return exitCodes.ok;
}
