import { type BleAdvertisement, GatewayError } from '../../../src/contract/index.ts';
import { services } from './catalogue.ts';
import { readBeacon } from './recognise.ts';

const pairingServices: ReadonlySet<string> = new Set([services.classicPairing, services.ultraPairing]);

const NAME = /^Nuki_([0-9A-F]{8})$/;

/** The Nuki id that an advertisement names; undefined when it names none. */
export function advertisedId(advertisement: BleAdvertisement): number | undefined {
  const named = NAME.exec(advertisement.localName ?? '')?.[1];
  const ready = advertisement.serviceData.find(({ uuid, data }) => pairingServices.has(uuid) && data.length >= 4);
  const told = readBeacon(advertisement)?.nukiId ?? ready?.data.readUInt32BE(0);
  return told ?? (named === undefined ? undefined : Number.parseInt(named, 16));
}

/**
 * Which lock the gateway was paired with. A Bluetooth address is where it is looked for; its Nuki id is what it is. What
 * answers there as another lock is not commanded, and its codes are nobody's business here.
 */
export class Identity {
  readonly #deviceName: string;
  #ours: number | undefined;
  #other: number | undefined;
  #isVerified = false;

  /** @param paired the id that pairing left behind; without it the first lock that knows our key is the one */
  constructor(deviceName: string, paired: number | undefined) {
    this.#deviceName = deviceName;
    this.#ours = paired;
  }

  /** Whether the lock that is talked to has named itself since the last gap. */
  get isVerified(): boolean {
    return this.#isVerified;
  }

  /** Something was heard from the address. @returns whether that changed what stands there */
  heard(advertisement: BleAdvertisement): boolean {
    const id = advertisedId(advertisement);
    if (id === undefined || this.#ours === undefined) return false;
    const before = this.#other;
    this.#other = id === this.#ours ? undefined : id;
    this.#isVerified = this.#other === undefined;
    return before !== this.#other;
  }

  /** A lock that knows our key told its id. @throws GatewayError `misconfigured` */
  told(nukiId: number): void {
    this.#ours ??= nukiId;
    this.#other = nukiId === this.#ours ? undefined : nukiId;
    this.#isVerified = this.#other === undefined;
    this.assertOurs();
  }

  /** A lock that knows our key does not tell its id: that it knows the key has to do. */
  tellsNothing(): void {
    this.#isVerified = true;
  }

  /** Nothing was heard for a while: what answers next may be another. */
  lost(): void {
    this.#isVerified = false;
  }

  /** @throws GatewayError `misconfigured` while another lock answers */
  assertOurs(): void {
    if (this.#other === undefined || this.#ours === undefined) return;
    throw new GatewayError(
      'misconfigured',
      `At the address of ${this.#deviceName} another lock answers: Nuki ${inWords(this.#other)} instead of ` +
        `${inWords(this.#ours)}. Correct the address in the configuration, or pair it again if the lock was replaced. ` +
        'Nothing is sent to it meanwhile.',
    );
  }
}

/** As it is printed on the lock. */
export const inWords = (id: number): string => id.toString(16).toUpperCase().padStart(8, '0');
