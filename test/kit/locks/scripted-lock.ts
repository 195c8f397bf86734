import { z } from 'zod';
import {
  type AccessCodeCapability,
  type AutoLockCapability,
  type CodeCommandContext,
  type CommandContext,
  type DeviceReport,
  defineDriver,
  type LinkState,
  type LockOutcome,
  type LockReading,
  type MqttLink,
} from '../../../src/contract/index.ts';

import type { ScriptedKeypad } from './scripted-keypad.ts';

/** Any keypad that a test brings along. */
export interface Keypad {
  readonly capability: AccessCodeCapability;
}

/** What the scripted lock does with one command; it may do anything a driver can do, right or wrong. */
export type Script = (ctx: CommandContext, lock: ScriptedLock<Keypad>) => Promise<LockOutcome>;

/** A lock without hardware whose every command is a function of the test: for testing the core, not drivers. */
export class ScriptedLock<Pad extends Keypad = ScriptedKeypad> {
  /** Every command that left, in order: `lock`, `unlock`, and the time. */
  readonly sent: { readonly action: 'lock' | 'unlock'; readonly at: number }[] = [];
  opened = 0;
  closed = 0;
  script: Script = sendAndConfirm;
  reading: () => Promise<LockReading> = async () => ({ state: 'unknown' });
  report: (report: DeviceReport) => void = () => {};
  /** What it says of itself while it is being opened. */
  firstWords: readonly DeviceReport[] = [];
  linkState: LinkState = { status: 'up' };
  /** The device of the open generation ignores its abort and never closes. */
  closeHangs = false;
  keypad: Pad | undefined;
  autoLock: AutoLockCapability | undefined;
  unlockActsOn: 'bolt' | 'latch' = 'bolt';

  readonly link: MqttLink;
  readonly driver = defineDriver({
    id: 'mqtt/scripted',
    title: 'A lock whose commands are functions of a test',
    link: 'mqtt',
    settings: z.unknown(),
    describe: () => ({ deviceType: 'scripted_lock', manufacturer: 'test', model: 'scripted' }),
    limits: { door: { sendByMs: 5_000, deadlineMs: 9_000 }, code: { sendByMs: 45_000, deadlineMs: 60_000 } },
    open: async (_link, _settings, ctx) => {
      const scripted = this;
      this.opened += 1;
      this.report = ctx.report;
      for (const word of this.firstWords) ctx.report(word);
      const run = (action: 'lock' | 'unlock') => (command: CommandContext) =>
        this.script(
          {
            ...command,
            pointOfNoReturn: async () => {
              const permit = await command.pointOfNoReturn();
              return {
                sendBy: permit.sendBy,
                spend: () => {
                  permit.spend();
                  this.sent.push({ action, at: ctx.clock.now() });
                },
                withdraw: () => {
                  permit.withdraw();
                  this.sent.pop();
                },
              };
            },
          },
          this,
        );
      return {
        lock: {
          observes: 'bolt' as const,
          get unlockActsOn() {
            return scripted.unlockActsOn;
          },
          lock: run('lock'),
          unlock: run('unlock'),
          read: () => this.reading(),
        },
        ...(this.keypad && { accessCodes: this.keypad.capability }),
        ...(this.autoLock && { autoLock: this.autoLock }),
        close: async () => {
          this.closed += 1;
          if (this.closeHangs) await new Promise(() => {});
        },
      };
    },
  });

  constructor() {
    const lock = this;
    this.link = {
      kind: 'mqtt',
      get state() {
        return lock.linkState;
      },
      onStateChange: () => () => {},
      subscribe: () => () => {},
      claimCommandTopic: () => () => {},
      query: async () => {},
      command: async () => 0,
    };
  }
}

/** The ordinary case: send, and see the bolt move at once. */
export const sendAndConfirm: Script = async (ctx) => {
  (await ctx.pointOfNoReturn()).spend();
  return { wasConfirmedByDevice: true };
};

/** Sends, then hears nothing until it is told to stop. */
export const sendAndHearNothing: Script = async (ctx) => {
  (await ctx.pointOfNoReturn()).spend();
  return untilAborted(ctx);
};

export const untilAborted = (ctx: CommandContext | CodeCommandContext): Promise<never> =>
  new Promise((_resolve, reject) => {
    const give = () => reject(ctx.signal.reason);
    if (ctx.signal.aborted) give();
    else ctx.signal.addEventListener('abort', give, { once: true });
  });
