import {
  attResult,
  type Clock,
  type GattPeripheral,
  type GattPeripheralService,
  type GattSubscriber,
  type PeripheralRadio,
  sleep,
} from '../../../src/contract/index.ts';

export const ECHO_SERVICE = 'a92ee200550111e4916c0800200c9a66';
export const echoPath = { service: ECHO_SERVICE, characteristic: 'a92ee202550111e4916c0800200c9a66' };
export const readablePath = { service: '180f', characteristic: '2a19' };

/** First bytes with a meaning; everything else is said back after the write's response. */
export const echo = { attError: 0xee, replyFirst: 0x09, mute: 0x0a, drop: 0xdd, hang: 0xcc } as const;

/** A Bluetooth device that says back what it is told, and misbehaves when it is told to. */
export class EchoPeripheral implements GattPeripheral {
  readonly written: string[] = [];
  readonly services: readonly GattPeripheralService[];
  connections = 0;
  battery = Buffer.from([87]);
  readonly #clock: Clock;
  readonly #name: string;
  #subscriber: GattSubscriber | undefined;
  #radio: PeripheralRadio | undefined;

  constructor(clock: Clock, name = 'ECHO') {
    this.#clock = clock;
    this.#name = name;
    this.services = [
      {
        uuid: echoPath.service,
        characteristics: [
          {
            uuid: echoPath.characteristic,
            properties: ['write', 'indicate'],
            write: (value) => this.#written(value),
            subscribed: (subscriber) => {
              this.#subscriber = subscriber;
            },
          },
        ],
      },
      {
        uuid: readablePath.service,
        characteristics: [{ uuid: readablePath.characteristic, properties: ['read'], read: () => this.battery }],
      },
    ];
  }

  advertising() {
    const name = Buffer.from(this.#name);
    return { data: Buffer.from([2, 1, 6]), scanResponse: Buffer.concat([Buffer.from([name.length + 1, 9]), name]) };
  }

  powered(radio: PeripheralRadio): void {
    this.#radio = radio;
  }

  connected(): void {
    this.connections += 1;
  }

  disconnected(): void {}

  get isHeard(): boolean {
    return this.#subscriber !== undefined;
  }

  async #written(value: Buffer): Promise<number> {
    this.written.push(value.toString('hex'));
    const reply = () => this.#subscriber?.push(value);
    switch (value[0]) {
      case echo.attError:
        return attResult.unlikelyError;
      case echo.hang:
        return new Promise(() => undefined);
      case echo.drop:
        this.#radio?.disconnect();
        return attResult.success;
      case echo.mute:
        return attResult.success;
      case echo.replyFirst:
        reply();
        await sleep(this.#clock, 5);
        return attResult.success;
      default:
        queueMicrotask(reply);
        return attResult.success;
    }
  }
}
