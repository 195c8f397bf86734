import { InvalidArgumentError } from 'commander';
import { attemptHistory, getAttempt, listAttempts } from './attempts.ts';
import { type Commands, examples, seconds } from './commands.ts';
import { commandDoor } from './door.ts';
import { setService } from './service.ts';

/** `strikeplate lock`, `unlock`, `out-of-service` and `in-service`. */
export function defineDoorCommands({ program, terminal, connected, done }: Commands): void {
  for (const action of ['lock', 'unlock'] as const)
    connected(program.command(`${action} <device>`))
      .description(`${action} a door, wait for the end and say what became of it`)
      .option('--timeout <seconds>', 'how long to wait for the end', seconds, 60)
      .option('--no-wait', 'return as soon as the attempt is accepted')
      .addHelpText(
        'after',
        `\nThe device is named by its short id, its name or its device_id.${examples([
          `strikeplate ${action} front`,
          `strikeplate ${action} "Front door" --json`,
          `strikeplate ${action} front --url https://gateway.lan:8080 --key-file ~/.strikeplate.key`,
        ])}`,
      )
      .action(async (device, options) => done(await commandDoor(terminal, action, device, options)));

  connected(program.command('out-of-service <device>'))
    .description('refuse all commands to a device until it is put back, also over a restart')
    .option('--reason <text>', 'for people: shown with the device')
    .addHelpText('after', examples(['strikeplate out-of-service front --reason "Cylinder is being changed"']))
    .action(async (device, options) => done(await setService(terminal, 'out', device, options)));
  connected(program.command('in-service <device>'))
    .description('take commands to a device again')
    .addHelpText('after', examples(['strikeplate in-service front']))
    .action(async (device, options) => done(await setService(terminal, 'in', device, options)));
}

/** `strikeplate attempts` and `watch`. */
export function defineAttemptCommands({ program, terminal, connected, stopSignal, done }: Commands): void {
  const attempts = program.command('attempts').description('what was asked for and what became of it');
  connected(attempts.command('list', { isDefault: true }))
    .description('the newest attempts')
    .option('--device <device>', 'only those of one device')
    .option('--limit <number>', 'at most so many', wholeNumber, 20)
    .action(async (options) => done(await listAttempts(terminal, options)));
  connected(attempts.command('get <id>'))
    .description('one attempt')
    .action(async (id, options) => done(await getAttempt(terminal, id, options)));
  connected(attempts.command('history <id>'))
    .description('every step of one attempt, with time and reason: why a door did not open')
    .action(async (id, options) => done(await attemptHistory(terminal, id, options)));
  attempts.addHelpText(
    'after',
    examples([
      'strikeplate attempts',
      'strikeplate attempts list --device front --limit 5',
      'strikeplate attempts history ID',
    ]),
  );

  connected(program.command('watch'))
    .description('doors and attempts as they change, until q is pressed; a line for each change in a pipe')
    .addHelpText('after', examples(['strikeplate watch', 'strikeplate watch --json | jq .']))
    .action(async (options) => {
      const { watch } = await import('./watch.ts');
      done(await watch(terminal, options, stopSignal('The watch was ended.')));
    });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= 500) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 500.');
}
