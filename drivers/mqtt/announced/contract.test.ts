import { limitsOf } from '../../../src/model/time-limits.ts';
import { describeDriver } from '../../../test/contract/describe-driver.ts';
import { announcedLock } from '../../../test/kit/announced-fixture.ts';
import { announced } from './driver.ts';

describeDriver({
  title: 'mqtt/announced',
  door: limitsOf(announced).door,
  make: async (when) => {
    const { clock, lock, link, device, reports, logged, command } = await announcedLock({
      settleMs: when === 'opened' ? 0 : 2_000,
    });
    return {
      clock,
      device,
      reports,
      command,
      logged: () => logged.join('\n'),
      truth: {
        bolt: () => lock.bolt,
        movements: () => lock.movements.length,
        commands: () => lock.commands.map(({ at }) => at),
      },
      way: {
        cut: (onTheWay) => link.cut({ onTheWay }),
        restore: () => link.restore(),
        commandLeaves: async () => {
          while (link.sent.every(({ kind }) => kind === 'query')) await clock.advance(1);
        },
      },
      disappoint: {
        refuse: () => lock.misbehave({ ignores: true }),
        jam: () => lock.misbehave({ jams: true }),
        tellLate: (ms) => lock.misbehave({ tellsLateMs: ms }),
        actLate: (ms) => lock.misbehave({ actsLateMs: ms }),
        fallSilent: () => lock.misbehave({ isMute: true }),
      },
      stopHardware: async () => {
        lock.stop();
        await clock.advance(5);
      },
      leftovers: () => clock.armedTimers + link.listenerCount,
    };
  },
});
