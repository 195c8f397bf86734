import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedLock, Zigbee2MqttSimulator } from '../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { systemClock } from '../../src/clock/system-clock.ts';
import { connectMqttPeer } from '../../src/simulation/zigbee2mqtt.ts';
import { MqttWitness } from '../kit/broker/mqtt-witness.ts';
import { type BoxedGateway, GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { Mosquitto, mosquittoProgram } from './kit/mosquitto.ts';
import { peerProgram } from './kit/peer-program.ts';

/* Commands from mosquitto_pub through the real broker, and what becomes of those that a broker kept. */

const mosquittoPub = peerProgram('mosquitto_pub', 'mosquitto-clients');
const topic = 'strikeplate/box/command';
const front = idOf('front');
const run = promisify(execFile);

interface Answer {
  readonly id: string | null;
  readonly status: string;
  readonly action_attempt_id?: string;
  readonly error?: { readonly type: string };
}

describe.skipIf(mosquittoProgram === undefined || mosquittoPub === undefined)('commands from mosquitto_pub', () => {
  const closing: (() => unknown)[] = [];
  let broker: Mosquitto;
  let box: GatewayBox;
  let lock: SimulatedLock;
  let gateway: BoxedGateway;
  let witness: MqttWitness;
  let made = 0;

  beforeEach(async () => {
    broker = await Mosquitto.start();
    closing.push(() => broker.close());
    const peer = await connectMqttPeer(broker.url);
    closing.push(() => peer.close());
    const bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock: systemClock });
    closing.push(() => bridge.stop());
    lock = bridge.addLock({ friendlyName: 'front', bolt: 'locked', radioMs: 20, motorMs: 60 });
    bridge.start();
    const monitor = { mqtt: 'main', home_assistant: true, commands: true };
    box = await GatewayBox.make({ mqtt: { main: { url: broker.url } }, monitor, devices: [zigbeeEntry('front')] });
    closing.push(() => box.dispose());
    witness = await MqttWitness.connect(broker.url, [`${topic}/answers`]);
    closing.push(() => witness.close());
    gateway = await start();
  });
  afterEach(async () => {
    await gateway.close();
    for (let close = closing.pop(); close !== undefined; close = closing.pop()) await close();
  });

  async function start(): Promise<BoxedGateway> {
    const started = await box.start();
    await started.api.online(front);
    return started;
  }
  const command = (word: string, more: object = {}) => ({
    ...{ command: word, device_id: front, id: `by-hand-${++made}`, issued_at: new Date().toISOString(), ...more },
  });
  const publish = (payload: object | string, ...options: string[]) => {
    const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
    const words = ['-h', broker.host, '-p', String(broker.port), '-q', '1', '-t', topic, ...options];
    return run(mosquittoPub ?? '', [...words, ...(text === '' ? ['-n'] : ['-m', text])]);
  };
  const answers = () => witness.payloads.map((payload) => JSON.parse(payload) as Answer);
  async function answered(id: string, times = 1): Promise<Answer> {
    for (;;) {
      const mine = answers().filter((answer) => answer.id === id);
      if (mine.length >= times) return mine.at(-1) as Answer;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  /** A command that is obeyed shows that what came before it was heard. */
  async function obeys(word: string): Promise<void> {
    const good = command(word);
    await publish(good);
    const { action_attempt_id: id = '' } = await answered(good.id);
    expect(await gateway.api.ended([id])).toMatchObject([{ attempt: { status: 'success' } }]);
  }
  const retained = async () => {
    const seen = await MqttWitness.connect(broker.url, [topic]);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await seen.close();
    return seen.heard.length;
  };

  it('a fresh one moves the door; a repetition, an old one and bare words do not', async () => {
    const unlock = command('UNLOCK');
    await publish(unlock);
    const { action_attempt_id: id = '' } = await answered(unlock.id);
    await gateway.api.ended([id]);
    await publish(unlock);
    expect((await answered(unlock.id, 2)).action_attempt_id).toBe(id);
    const old = command('UNLOCK', { issued_at: new Date(Date.now() - 30_000).toISOString() });
    await publish(old);
    expect(await answered(old.id)).toMatchObject({ status: 'refused', error: { type: 'expired' } });
    await publish('UNLOCK');
    await obeys('LOCK');
    expect(lock.movements).toHaveLength(2);
  });

  it('a retained one does nothing, live or after the broker came back, and is gone', async () => {
    await publish(command('UNLOCK'), '-r');
    await obeys('LOCK');
    expect([lock.movements.length, await retained()]).toEqual([0, 0]);
    await gateway.close();
    await publish(command('UNLOCK'), '-r');
    gateway = await start();
    await obeys('LOCK');
    expect([lock.movements.length, await retained()]).toEqual([0, 0]);
  });

  it('one that came while the gateway was away does nothing', async () => {
    await gateway.close();
    await publish(command('UNLOCK'));
    gateway = await start();
    await obeys('LOCK');
    expect(lock.movements).toHaveLength(0);
  });

  it('one that is done already is not done again after a restart', async () => {
    const unlock = command('UNLOCK');
    await publish(unlock);
    await gateway.api.ended([(await answered(unlock.id)).action_attempt_id ?? '']);
    await gateway.close();
    gateway = await start();
    await publish(unlock);
    await answered(unlock.id, 2);
    expect(lock.movements).toHaveLength(1);
  });
});
