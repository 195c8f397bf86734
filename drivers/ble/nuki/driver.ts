import { type CommandContext, defineDriver, type GatewayError, type LockOutcome } from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import { NukiAutoLock } from './auto-lock.ts';
import { clearCode, codeRules, type KeypadAccess, setCode } from './code-command.ts';
import { readCode, readCodes } from './code-list.ts';
import { pairedId } from './credentials.ts';
import type { DeviceSession } from './device-session.ts';
import { LockClock, nukiTraits } from './evidence.ts';
import { Identity, inWords } from './identity.ts';
import { type DoorAccess, operate, readLock } from './lock-command.ts';
import { pairing } from './pairing.ts';
import { recognise } from './recognise.ts';
import { settings } from './settings.ts';
import { NukiWatch } from './watch.ts';

export const nuki = defineDriver({
  id: 'ble/nuki',
  title: 'Nuki Smart Locks over Bluetooth',
  link: 'ble',
  settings,
  describe: ({ model }) => ({ deviceType: 'nuki_lock', manufacturer: 'nuki', model: model ?? 'Nuki Smart Lock' }),
  recognise,
  pairing,
  open: async (link, chosen, ctx) => {
    const nukiId = pairedId(ctx.credentials, ctx.name);
    const identity = new Identity(ctx.name, nukiId);
    const newBook = () =>
      new EvidenceBook<GatewayError>({ clock: ctx.clock, closing: ctx.closing, lateByMs: nukiTraits.lateByMs });
    const base: DeviceSession = {
      lockClock: new LockClock(ctx.clock),
      identity,
      link,
      settings: chosen,
      deviceName: ctx.name,
      clock: ctx.clock,
      randomBytes: ctx.randomBytes,
      secret: ctx.credentials,
      closing: ctx.closing,
      heard: (states) => watch.heard(states),
    };
    const autoLock = new NukiAutoLock({ ...base, settingsBook: newBook() }, ctx.report);
    const watch = new NukiWatch(base, ctx, (connection) => autoLock.learn(connection));
    const access: DoorAccess = { ...base, book: newBook(), record: watch };
    const keypad: KeypadAccess = { ...base, codes: newBook() };
    let sentFor: string | undefined;
    const move = (target: 'locked' | 'unlocked', command: CommandContext): Promise<LockOutcome> => {
      const onSent = () => {
        sentFor = command.attemptId;
      };
      return operate(access, target, command, { again: sentFor === command.attemptId, onSent });
    };
    return {
      lock: {
        observes: 'bolt',
        // The log tells it, and is given out for the lock's PIN alone.
        get tellsWho() {
          return chosen.keypad && watch.isOpen;
        },
        ...(chosen.unlock === 'unlatch' && { unlockActsOn: 'latch' }),
        lock: (command) => move('locked', command),
        unlock: (command) => move('unlocked', command),
        read: (read) => readLock(access, read),
      },
      ...(chosen.keypad && {
        accessCodes: {
          observes: 'slot',
          rules: { ...codeRules, weeklyHours: { timeZone: chosen.code_time_zone } },
          set: (command, write) => setCode(keypad, command, write),
          clear: (command, slot) => clearCode(keypad, command, slot),
          read: (read, slot) => readCode(access, read, slot),
          list: (read) => readCodes(access, read),
        },
      }),
      autoLock,
      ...(nukiId !== undefined && { serialNumber: inWords(nukiId) }),
      close: async () => watch.close(),
    };
  },
});
