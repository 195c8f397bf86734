import { pino } from 'pino';
import { Zigbee2MqttSimulator } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { type Clock, Secret } from '../../../src/contract/index.ts';
import { connectMqttPeer, type MqttPeer } from '../../../src/simulation/zigbee2mqtt.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../src/transports/mqtt/index.ts';

export interface ZigbeeBuildingOptions {
  readonly clock?: Clock;
  /** What the broker demands; nothing unless given. */
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** What a whole gateway finds on its network: a broker, and a simulated Zigbee2MQTT on a connection of its own. */
export class ZigbeeBuilding {
  readonly broker: EmbeddedBroker;
  /** Add locks and sensors, then start it. */
  readonly bridge: Zigbee2MqttSimulator;
  readonly #peer: MqttPeer;

  private constructor(broker: EmbeddedBroker, peer: MqttPeer, clock: Clock) {
    this.broker = broker;
    this.#peer = peer;
    this.bridge = new Zigbee2MqttSimulator({ mqtt: peer, clock });
  }

  static async open({ clock = systemClock, credentials }: ZigbeeBuildingOptions = {}): Promise<ZigbeeBuilding> {
    const broker = await startEmbeddedBroker({
      port: 0,
      log: pino({ level: 'silent' }),
      ...(credentials && { username: credentials.username, password: new Secret(credentials.password) }),
    });
    const peer = await connectMqttPeer(broker.url, credentials && { credentials });
    return new ZigbeeBuilding(broker, peer, clock);
  }

  get url(): string {
    return this.broker.url;
  }

  async close(): Promise<void> {
    this.bridge.stop();
    await this.#peer.close();
    await this.broker.close();
  }
}
