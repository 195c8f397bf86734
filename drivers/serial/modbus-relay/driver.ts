import {
  type Device,
  defineDriver,
  type GatewayError,
  type OpenContext,
  type SerialLink,
} from '../../../src/contract/index.ts';
import { EvidenceBook } from '../../../src/driver-kit/evidence/book.ts';
import { underSignals } from '../../../src/driver-kit/join-signals.ts';
import { Poller } from '../../../src/driver-kit/poller.ts';
import { type CommandObserver, operate } from './door-command.ts';
import { DoorWatch } from './door-watch.ts';
import { type Look, lookAt, type RelaySession, readingOf } from './relay-session.ts';
import { fittingOf, profileOf, type RelaySettings, settings } from './settings.ts';

export const modbusRelay = defineDriver({
  id: 'serial/modbus-relay',
  title: 'Strikes and magnets behind Modbus RTU relay boards',
  link: 'serial',
  settings,
  describe: ({ profile }) => {
    const { manufacturer, model } = profileOf(profile);
    return { deviceType: 'modbus_relay', manufacturer, model };
  },
  part: ({ channel }) => `relay ${channel}`,
  open: async (link, chosen, ctx) => openDoor(link, chosen, ctx),
});

function openDoor(link: SerialLink, chosen: RelaySettings, ctx: OpenContext): Device {
  const { name, clock, random, log, closing } = ctx;
  const door: RelaySession = { name, link, fitting: fittingOf(chosen), clock, closing };
  const watch = new DoorWatch(door, log, (report) => ctx.report(report));
  const saw = (look: Look) => {
    if (poller.afterOutage) watch.outage();
    poller.heard();
    watch.saw(look);
  };
  const poller = new Poller({
    link,
    clock,
    random,
    log,
    intervalMs: chosen.poll_s * 1000,
    report: (report) => ctx.report(report),
    async look() {
      saw(await lookAt(door, { priority: 'poll', signal: closing }));
      await watch.endOverdue(closing);
    },
  });
  const evidence = new EvidenceBook<GatewayError>({ clock, closing, lateByMs: 0 });
  const books: CommandObserver = { evidence, saw, ordered: (target) => watch.ordered(target) };
  return {
    lock: {
      observes: 'actuator',
      lock: (command) => watch.whileCommanding(() => operate(door, 'secured', command, books)),
      unlock: (command) => watch.whileCommanding(() => operate(door, 'released', command, books)),
      async read({ signal }) {
        const look = await underSignals([signal, closing], (either) =>
          lookAt(door, { priority: 'door', signal: either }),
        );
        saw(look);
        return readingOf(look);
      },
    },
    async close() {
      poller.close();
    },
  };
}
