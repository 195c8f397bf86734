import {
  type AccessCodeCapability,
  type AccessCodeRules,
  type CodeCommandContext,
  type CodeWrite,
  GatewayError,
} from '../../../src/contract/index.ts';

/** The slots of a keypad without hardware, and what goes wrong with its next writes. */
export class ScriptedKeypad {
  readonly rules: AccessCodeRules = {
    lengths: [4, 5, 6, 7, 8],
    digits: '0123456789',
    slots: { first: 1, count: 3 },
    nativeSchedule: false,
    readCost: 'battery',
  };
  /** What the lock holds: slot to digits. */
  readonly slots = new Map<number, string>();
  readonly writes: string[] = [];
  /** Runs instead of the ordinary write, once. */
  nextSet: ((ctx: CodeCommandContext, write: CodeWrite) => Promise<void>) | undefined;
  nextClear: ((ctx: CodeCommandContext, slot: number) => Promise<void>) | undefined;

  readonly capability: AccessCodeCapability = {
    observes: 'slot',
    rules: this.rules,
    set: async (ctx, write) => {
      const slot = write.slot ?? 0;
      const special = this.nextSet;
      this.nextSet = undefined;
      if (special) {
        await special(ctx, write);
        return { slot, occupied: true };
      }
      if (this.slots.has(slot))
        throw new GatewayError('slot_conflict', 'Somebody else’s code.', { delivery: 'not_sent' });
      await ctx.letDoorsPass();
      await this.store(ctx, write);
      return { slot, occupied: true };
    },
    clear: async (ctx, slot) => {
      const special = this.nextClear;
      this.nextClear = undefined;
      if (special) return special(ctx, slot);
      (await ctx.pointOfNoReturn()).spend();
      this.writes.push(`clear ${slot}`);
      this.slots.delete(slot);
    },
    read: async (_ctx, slot) => ({ slot, occupied: this.slots.has(slot) }),
  };

  async store(ctx: CodeCommandContext, write: CodeWrite): Promise<void> {
    (await ctx.pointOfNoReturn()).spend();
    this.writes.push(`set ${write.slot}`);
    this.slots.set(write.slot ?? 0, write.code.reveal());
  }
}
