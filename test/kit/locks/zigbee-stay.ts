import { zigbee2mqtt } from '../../../drivers/mqtt/zigbee2mqtt/driver.ts';
import { type SimulatedLock, Zigbee2MqttSimulator } from '../../../drivers/mqtt/zigbee2mqtt/simulator.ts';
import type { Core } from '../../../src/composition/core.ts';
import { MemoryMqtt } from '../../../src/driver-testing/memory-mqtt.ts';
import type { MemoryMqttLink } from '../../../src/driver-testing/memory-mqtt-link.ts';
import { SimulatedClock } from '../../../src/driver-testing/simulated-clock.ts';
import type { NewAccessCode, Origin } from '../../../src/model/gateway.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import { MortalClock } from '../clock/mortal-clock.ts';
import { coreFixture } from '../gateway/core-fixture.ts';

const slots = { first: 1, count: 3 };

/** A gateway with the Zigbee driver and one simulated lock with three slots, over days, through restarts. */
export class ZigbeeStay {
  readonly lock: SimulatedLock;
  readonly #clock: SimulatedClock;
  readonly #broker: MemoryMqtt;
  #store: MemoryStore;
  #process: { readonly core: Core; readonly clock: MortalClock; readonly link: MemoryMqttLink } | undefined;

  /** @param startsAt milliseconds since the Unix epoch */
  constructor(startsAt: number) {
    this.#clock = new SimulatedClock(startsAt);
    this.#store = new MemoryStore({ clock: this.#clock });
    this.#broker = new MemoryMqtt({ clock: this.#clock, random: () => 0.5, latencyMs: 1, jitterMs: 1, protocol: 5 });
    const bridge = new Zigbee2MqttSimulator({ mqtt: this.#broker.peer(), clock: this.#clock });
    this.lock = bridge.addLock({ friendlyName: 'Front Door', slots: 5, exposePin: true, pinLengths: [4, 5, 6] });
    bridge.start();
  }

  get core(): Core {
    if (!this.#process) throw new Error('the box is off');
    return this.#process.core;
  }

  get now(): number {
    return this.#clock.wallTime();
  }

  get origin(): Origin {
    return { actor: { kind: 'cli', name: 'test' }, receivedAt: this.#clock.now() };
  }

  /** What the lock holds, whatever anybody says. */
  get keypad(): string[] {
    return [...this.lock.keypad.codes.values()].sort();
  }

  async boxOn(): Promise<void> {
    const clock = new MortalClock(this.#clock);
    const link = this.#broker.link();
    const settings = zigbee2mqtt.settings.parse({
      kind: 'lock',
      friendly_name: 'Front Door',
      pin_slots: slots,
      pin_lengths: [4, 5, 6],
    });
    const { core } = coreFixture({
      clock: this.#clock,
      processClock: clock,
      store: this.#store,
      devices: [{ slug: 'front', driver: zigbee2mqtt, settings, link }],
    });
    this.#process = { core, clock, link };
    await core.start();
  }

  /** As when the power goes. */
  boxOff(): void {
    this.#process?.clock.kill();
    this.#process?.link.dispose();
    this.#process = undefined;
    this.#store = this.#store.crash();
  }

  async create(request: Omit<NewAccessCode, 'deviceId'>): Promise<string> {
    const { code } = await this.core.accessCodes.create({ deviceId: 'front', ...request }, this.origin);
    return code.accessCodeId;
  }

  async pass(ms: number): Promise<void> {
    await this.#clock.advance(ms);
  }

  /** The types of the events about a code, oldest first. */
  toldOf(accessCodeId: string): string[] {
    return this.#store.read
      .eventsAfter(0, 100_000)
      .filter((event) => event.accessCodeId === accessCodeId)
      .map(({ eventType }) => eventType.replace('access_code.', ''));
  }
}
