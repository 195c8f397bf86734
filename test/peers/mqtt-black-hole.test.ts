import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { becomes } from '../kit/broker/link-becomes.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { Authority, opensslProgram } from './kit/authority.ts';
import { Commander } from './kit/commander.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';
import { type Cable, NetworkNamespace } from './kit/network-namespace.ts';
import { judge } from './kit/verdict.ts';

const TOPIC = 'zigbee2mqtt/Front Door/set';
const possible = mosquittoProgram !== undefined && opensslProgram !== undefined && NetworkNamespace.available();

/** The gateway reaches the broker over one virtual cable, the lock over another, which stays plugged in. */
describe.skipIf(!possible)('a network that goes silent without a FIN', () => {
  let network: NetworkNamespace;
  let cable: Cable;
  let lock: MqttWitness;
  let broker: Mosquitto;
  let authority: Authority;
  let tlsPort: number;

  beforeAll(async () => {
    network = new NetworkNamespace();
    cable = network.cable();
    const lockCable = network.cable();
    authority = new Authority();
    const { certFile, keyFile } = authority.issue('broker', [`IP:${cable.address}`]);
    tlsPort = 8_883;
    broker = await Mosquitto.start({
      host: '0.0.0.0',
      wrapper: network.wrapper,
      lines: ['allow_anonymous true', `listener ${tlsPort}`, `certfile ${certFile}`, `keyfile ${keyFile}`],
    });
    lock = await MqttWitness.connect(`mqtt://${lockCable.address}:${broker.port}`, [TOPIC, 'control']);
  });
  afterAll(async () => {
    await lock?.close();
    await broker?.close();
    authority?.close();
    network?.close();
  });

  // 12 s: the broker, too, gives the connection up. 5 s: it does not, and takes what the kernel still brings.
  it.each([
    { scheme: 'mqtt', silentMs: 12_000 },
    { scheme: 'mqtt', silentMs: 5_000 },
    { scheme: 'mqtts', silentMs: 5_000 },
  ])(
    '$scheme, $silentMs ms: no command comes late or twice, an ordinary client’s does',
    async ({ scheme, silentMs }) => {
      lock.heard.splice(0);
      const plain = `mqtt://${cable.address}:${broker.port}`;
      const gateway = new Commander(TOPIC, {
        url: scheme === 'mqtt' ? plain : `mqtts://${cable.address}:${tlsPort}`,
        ...(scheme === 'mqtts' && { tls: { ca: authority.ca } }),
      });
      await gateway.start();
      // What mqtt.js does by itself: the proof that this network keeps and delivers.
      const ordinary = await connectAsync(plain, { keepalive: 60, queueQoSZero: false, clean: true });
      const sending = gateway.sendMany(silentMs / 400 + 14, 400, 3_500);
      await lock.heardAtLeast(3);
      cable.unplug();
      const unpluggedAt = performance.now();
      ordinary.publish('control', 'UNLOCK', { qos: 0 });
      await becomes(gateway.link, 'down');
      const noticedMs = Math.round(performance.now() - unpluggedAt);
      await sleep(silentMs - noticedMs);
      cable.plugIn();
      const pluggedInAt = performance.now();
      await becomes(gateway.link, 'up');
      const backMs = Math.round(performance.now() - pluggedInAt);
      const ended = await sending;
      expect((await gateway.send(4_000)).outcome).toBe('sent');
      // The kernel's pauses between retransmissions have grown to several seconds by now.
      while (!lock.heard.some(({ topic }) => topic === 'control')) await sleep(100);
      await lock.settled();
      const control = lock.heard.find(({ topic }) => topic === 'control');
      const commands = lock.heard.filter(({ topic, payload }) => topic === TOPIC && payload !== String(ended.length));
      const tally = judge(ended, commands);
      console.log(
        `${scheme}, silent for ${silentMs} ms: noticed after ${noticedMs} ms, back ${backMs} ms after the network, ${JSON.stringify(tally)}; ` +
          `the ordinary client's UNLOCK came ${Math.round((control?.at ?? 0) - unpluggedAt)} ms after it was sent`,
      );
      expect(control?.at).toBeGreaterThan(pluggedInAt);
      expect(tally.unknown).toBeGreaterThan(0);
      expect(tally.notSent).toBeGreaterThan(0);
      await ordinary.endAsync(true);
      await gateway.close();
    },
  );

  it('is noticed by the keepalive when no command is sent', async () => {
    const gateway = await new Commander(TOPIC, { url: `mqtt://${cable.address}:${broker.port}` }).start();
    cable.unplug();
    const from = performance.now();
    await becomes(gateway.link, 'down', 'not_answering');
    console.log(`noticed by the keepalive after ${Math.round(performance.now() - from)} ms`);
    expect(performance.now() - from).toBeLessThan(9_000);
    cable.plugIn();
    await becomes(gateway.link, 'up');
    await gateway.close();
  });
});
