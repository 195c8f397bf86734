/*
 * Locks behind a bridge, in a process of their own that outlives every gateway, with their own record of what came.
 * Started by LockProcess: the broker's address and the locks' names on the command line, questions over IPC.
 */
import { Zigbee2MqttSimulator } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { connectMqttPeer } from '../../../src/simulation/zigbee2mqtt.ts';
import type { LockRecord } from './lock-process.ts';

const [url = '', sensor = '', ...slugs] = process.argv.slice(2);
const peer = await connectMqttPeer(url);
const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
const locks = slugs.map((friendlyName) =>
  bridge.addLock({ friendlyName, bolt: 'locked', radioMs: 10, motorMs: 40, exposePin: true, slots: 41 }),
);
bridge.addNoiseSensor({ friendlyName: sensor });
// One tells late what it did, so that kills meet commands whose outcome nobody knows yet; one locks itself again.
locks[1]?.misbehave({ reportsLateMs: 250 });
locks[2]?.misbehave({ relocksAfterMs: 400 });
bridge.start();

const answers: Readonly<Record<string, () => unknown>> = {
  commands: () => locks.reduce((sum, { doorCommands }) => sum + doorCommands.length, 0),
  record: () => {
    const wallOffset = Date.now() - systemClock.now();
    return locks.map(
      ({ friendlyName, doorCommands, movements, keypad, bolt }): LockRecord => ({
        slug: friendlyName,
        bolt,
        commands: doorCommands.map(({ sentAt, command }) => ({ at: sentAt + wallOffset, command })),
        movements: movements.map(({ at, from, to }) => ({ at: at + wallOffset, from, to })),
        pins: [...keypad.codes.values()],
      }),
    );
  },
};
process.on('message', (question: string) => process.send?.(answers[question]?.()));
process.once('disconnect', () => process.exit(0));
process.send?.('ready');
