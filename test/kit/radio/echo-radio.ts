import { type BleLink, type BleSessionOptions, GatewayError, type SendPermit } from '../../../src/contract/index.ts';
import { ECHO_SERVICE, EchoPeripheral, echoPath } from './echo-peripheral.ts';
import { type RadioFixture, type RadioFixtureOptions, radioFixture } from './radio-fixture.ts';

export const value = (hex: string) => Buffer.from(hex, 'hex');

/** A session with the echo's service, as its caller wants it. */
export const ask = (options: Partial<BleSessionOptions> = {}): BleSessionOptions => ({
  priority: 'poll',
  signal: new AbortController().signal,
  services: [ECHO_SERVICE],
  ...options,
});

/** One exchange with the echo: writes and waits for the indication. */
export function exchangeOver(link: BleLink, hex: string, options: Partial<BleSessionOptions> = {}): Promise<string> {
  return link.session(ask(options), async (gatt) => {
    const heard = new Promise<string>((resolve, reject) => {
      gatt.signal.addEventListener('abort', () => reject(gatt.signal.reason), { once: true });
      void gatt.subscribe(echoPath, (data) => resolve(data.toString('hex'))).catch(reject);
    });
    heard.catch(() => undefined);
    await gatt.query(echoPath, value(hex));
    return heard;
  });
}

/** An emulated radio with one echoing device in range, and the link to it. */
export class EchoRadio {
  readonly radio: RadioFixture;
  readonly device: EchoPeripheral;
  readonly address: string;
  readonly link: BleLink;

  static async make(options: RadioFixtureOptions = {}): Promise<EchoRadio> {
    const radio = await radioFixture(options);
    const device = new EchoPeripheral(radio.clock);
    const { address } = await radio.serve(device);
    return new EchoRadio(radio, device, address);
  }

  /** Use {@link EchoRadio.make}. */
  constructor(radio: RadioFixture, device: EchoPeripheral, address: string) {
    this.radio = radio;
    this.device = device;
    this.address = address;
    this.link = radio.adapter.link({ address, addressType: 'public' }, 'Front door');
  }

  /** One exchange: writes and waits for the indication. */
  exchange(hex: string, options: Partial<BleSessionOptions> = {}, on: BleLink = this.link): Promise<string> {
    return exchangeOver(on, hex, options);
  }

  /** A permit that notes when it was spent. */
  permit(sendBy = Number.POSITIVE_INFINITY) {
    const { clock } = this.radio;
    const spent: number[] = [];
    const given: SendPermit = {
      sendBy,
      spend: () => {
        if (clock.now() >= sendBy) throw new GatewayError('expired', 'too late');
        spent.push(clock.now());
      },
      withdraw: () => undefined,
    };
    return { permit: given, spent };
  }

  /** What `promise` is rejected with, once it is. @throws Error when it is not */
  async failure(promise: Promise<unknown>): Promise<GatewayError> {
    return this.radio.clock.until(
      promise.then(
        () => {
          throw new Error('it should have failed');
        },
        (error: unknown) => error as GatewayError,
      ),
    );
  }
}
