import {
  attResult,
  type GattPeripheral,
  type GattPeripheralService,
  type PeripheralRadio,
} from '../../../src/contract/index.ts';
import { COMPANY, paths, SENSOR_SERVICE, SETTING_SERVICE } from './catalogue.ts';

/** As it leaves the factory: nothing enabled, 70.00 dB above, 40.00 dB below (manual A278, sound noise settings). */
const FACTORY_SETTINGS = '00d007d007d007d007581ba00f0601';

export interface SimulatedOmronOptions {
  /** dB, asked for whenever somebody reads. */
  readonly level: () => number;
  /** It sends its data to everybody, in the mode "IM". */
  readonly broadcasts?: boolean;
}

/**
 * An OMRON 2JCIE-BL01, as far as it hears, with the rules of the device (manual A278):
 *
 * - It measures at an interval of its own, and numbers what it measured; asked more often, it tells the same again, row
 *   and all. So does a broadcast that is heard more often, or that an adapter remembers.
 * - It takes one upper limit of 40.00 to 85.00 dB in steps of 0.01, and answers others with an ATT error.
 * - Whatever it was told, its other settings stay; it keeps them without a battery.
 */
export class SimulatedOmron implements GattPeripheral {
  readonly services: readonly GattPeripheralService[];
  /** What it does about each message: one behaviour each, so that a test can put another in its place. */
  readonly behaviours = {
    readLatest: () => this.#latest(),
    readFlags: () => this.#flags(),
    readSoundSettings: () => Buffer.from(this.soundSettings),
    writeSoundSettings: (value: Buffer) => this.#take(value),
  };
  soundSettings: Buffer = Buffer.from(FACTORY_SETTINGS, 'hex');
  batteryLow = false;
  /** Takes no settings, and confirms them all the same. */
  stubborn = false;
  /** What happens once a setting was taken, and before it was confirmed. */
  afterWrite: () => void = () => undefined;
  /** It has not measured again: whoever asks hears of the last time. */
  #restsOn: Buffer | undefined;
  readonly #options: SimulatedOmronOptions;
  #radio: PeripheralRadio | undefined;
  #row = 0;

  constructor(options: SimulatedOmronOptions) {
    this.#options = options;
    this.services = [
      {
        uuid: SENSOR_SERVICE,
        characteristics: [
          {
            uuid: paths.latest.characteristic,
            properties: ['read', 'notify'],
            read: () => this.behaviours.readLatest(),
          },
          { uuid: paths.flags.characteristic, properties: ['read'], read: () => this.behaviours.readFlags() },
        ],
      },
      {
        uuid: SETTING_SERVICE,
        characteristics: [
          {
            uuid: paths.soundSettings.characteristic,
            properties: ['read', 'write'],
            read: () => this.behaviours.readSoundSettings(),
            write: (value) => this.behaviours.writeSoundSettings(value),
          },
        ],
      },
    ];
  }

  /** What is set as its upper limit, in dB. */
  get upperLimit(): number | undefined {
    return (this.soundSettings.readUInt8(0) & 0x10) === 0 ? undefined : this.soundSettings.readInt16LE(9) / 100;
  }

  /** The level has changed: a sensor that broadcasts says so. */
  update(): void {
    this.#row += 1;
    if (this.#options.broadcasts) this.#radio?.advertise();
  }

  advertising(): { readonly data: Buffer; readonly scanResponse: Buffer } {
    const flags = Buffer.from([2, 1, 6]);
    if (!this.#options.broadcasts) {
      const name = Buffer.from('Env');
      return { data: flags, scanResponse: Buffer.concat([Buffer.from([name.length + 1, 9]), name]) };
    }
    const name = Buffer.from('IM-BL01');
    const data = Buffer.alloc(24);
    data.writeUInt8(data.length - 1, 0);
    data.writeUInt8(0xff, 1);
    data.writeUInt16LE(COMPANY, 2);
    data.writeUInt8(this.#row & 0xff, 4);
    data.writeInt16LE(2_150, 5);
    data.writeInt16LE(Math.round(this.#options.level() * 100), 15);
    return {
      data: Buffer.concat([flags, data]),
      scanResponse: Buffer.concat([Buffer.from([name.length + 1, 9]), name]),
    };
  }

  powered(radio: PeripheralRadio): void {
    this.#radio = radio;
  }

  connected(): void {}

  disconnected(): void {}

  /** It goes on telling what it measured last. */
  rest(): void {
    this.#restsOn = this.#latest();
  }

  measureAgain(): void {
    this.#restsOn = undefined;
  }

  #latest(): Buffer {
    if (this.#restsOn !== undefined) return Buffer.from(this.#restsOn);
    const data = Buffer.alloc(19);
    data.writeUInt8(this.#row++ & 0xff, 0);
    data.writeInt16LE(2_150, 1);
    data.writeInt16LE(4_500, 3);
    data.writeInt16LE(120, 5);
    data.writeInt16LE(10_132, 9);
    data.writeInt16LE(Math.round(this.#options.level() * 100), 11);
    data.writeUInt16LE(this.batteryLow ? 2_310 : 2_950, 17);
    return data;
  }

  #flags(): Buffer {
    const flags = Buffer.alloc(9);
    const limit = this.upperLimit;
    if (limit !== undefined && this.#options.level() > limit) flags.writeUInt8(0x10, 5);
    flags.writeUInt8(this.batteryLow ? 1 : 0, 8);
    return flags;
  }

  #take(value: Buffer): number {
    if (value.length !== this.soundSettings.length) return attResult.invalidLength;
    // 40.00 to 85.00 dB; the sensor refuses others.
    const upper = value.readInt16LE(9);
    if (upper < 4_000 || upper > 8_500) return attResult.unlikelyError;
    if (!this.stubborn) this.soundSettings = Buffer.from(value);
    this.afterWrite();
    return attResult.success;
  }
}
