import { showClock } from './clock.ts';
import { createCode, deleteCode, listCodes } from './codes.ts';
import { type Commands, examples } from './commands.ts';
import { forget } from './forget.ts';

/** `strikeplate codes`, `clock` and `forget`. */
export function defineCodeCommands({ program, terminal, connected, done }: Commands): void {
  const codes = program.command('codes').description('the access codes of a lock');
  connected(codes.command('list <device>'))
    .description('list them, without their digits, and what is wrong with each')
    .action(async (device, options) => done(await listCodes(terminal, device, options)));
  connected(codes.command('create <device>'))
    .description('put a code on a lock; the gateway chooses its digits and prints them once')
    .option('--name <text>', 'whose code it is')
    .option('--from <time>', 'ISO 8601 with an offset; from now on unless told')
    .option('--until <time>', 'ISO 8601 with an offset; for ever unless told')
    .option('--ask', 'ask for the digits instead')
    .action(async (device, options) => done(await createCode(terminal, device, options)));
  connected(codes.command('delete <id>'))
    .description('take a code off its lock')
    .action(async (id, options) => done(await deleteCode(terminal, id, options)));
  codes.addHelpText(
    'after',
    examples([
      'strikeplate codes list front',
      'strikeplate codes create front --name Ana --until 2030-05-05T12:00:00+02:00',
      'strikeplate codes delete ID',
    ]),
  );

  const clock = program
    .command('clock')
    .description('whether the gateway believes its clock, by which codes begin and end');
  connected(clock.command('show', { isDefault: true }))
    .description('what it shows, and why it is in doubt')
    .action(async (options) => done(await showClock(terminal, 'show', options)));
  connected(clock.command('confirm'))
    .description('say that it is right')
    .action(async (options) => done(await showClock(terminal, 'confirm', options)));
  clock.addHelpText('after', examples(['strikeplate clock', 'strikeplate clock confirm']));

  connected(program.command('forget [name]'))
    .description('take somebody’s name out of everything that is kept: people, codes, history, events, audit log')
    .option('--user-identity <id>', 'instead of a name: a person, with all that names them')
    .action(async (name, options) => done(await forget(terminal, name, options)))
    .addHelpText('after', examples(['strikeplate forget "Ana Meier"', 'strikeplate forget ana@example.com']));
}
