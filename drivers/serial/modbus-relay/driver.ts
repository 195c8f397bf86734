import {
  type Device,
  defineDriver,
  GatewayError,
  type OpenContext,
  type SerialLink,
} from '../../../src/contract/index.ts';
import { Poller } from '../modbus/poller.ts';
import { operate } from './door-conversation.ts';
import { DoorWatch } from './door-watch.ts';
import type { Target } from './failures.ts';
import { type Look, lookAt, type RelayDoor, readingOf } from './relay-door.ts';
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
  limits: { door: { sendByMs: 5_000, deadlineMs: 9_000 }, code: { sendByMs: 45_000, deadlineMs: 60_000 } },
  open: async (link, chosen, ctx) => openDoor(link, chosen, ctx),
});

function openDoor(link: SerialLink, chosen: RelaySettings, ctx: OpenContext): Device {
  const { name, clock, random, log } = ctx;
  const closing = new AbortController();
  const door: RelayDoor = { name, link, fitting: fittingOf(chosen), clock, closing: closing.signal };
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
      saw(await lookAt(door, { priority: 'poll', signal: closing.signal }));
      await watch.endOverdue(closing.signal);
    },
  });
  const books = { saw, ordered: (target: Target) => watch.ordered(target) };
  return {
    lock: {
      observes: 'actuator',
      lock: (command) => watch.whileCommanding(() => operate(door, 'secured', command, books)),
      unlock: (command) => watch.whileCommanding(() => operate(door, 'released', command, books)),
      async read({ signal }) {
        const look = await lookAt(door, { priority: 'door', signal: AbortSignal.any([signal, closing.signal]) });
        saw(look);
        return readingOf(look);
      },
    },
    async close() {
      poller.close();
      closing.abort(new GatewayError('device_not_ready', `${name} is being closed. Try again.`));
    },
  };
}
