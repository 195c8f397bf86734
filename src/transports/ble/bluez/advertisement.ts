import type { Properties } from './system-bus.ts';
import { plain } from './system-bus.ts';
import { shortUuid } from './uuids.ts';

/** What noble's core takes for an advertisement. */
export interface NobleAdvertisement {
  readonly localName: string | undefined;
  readonly txPowerLevel: number | undefined;
  readonly manufacturerData: Buffer | undefined;
  readonly serviceData: readonly { readonly uuid: string; readonly data: Buffer }[];
  readonly serviceUuids: readonly string[];
  readonly serviceSolicitationUuids: readonly string[];
}

const bytes = (value: unknown): Buffer => Buffer.from(value as Uint8Array);

/** Company identifier first, least significant byte first, as on the air. */
function manufacturerData(dictionary: unknown): Buffer | undefined {
  const [entry] = Object.entries(plain(dictionary));
  if (entry === undefined) return undefined;
  const company = Buffer.alloc(2);
  company.writeUInt16LE(Number(entry[0]));
  return Buffer.concat([company, bytes(entry[1])]);
}

/**
 * BlueZ keeps a device's data apart from the packets they came in, and collects them: services found on an earlier
 * connection are among the UUIDs, and data of a company that is advertised no more may linger.
 * @param properties of the device (BlueZ, doc/device-api.txt, org.bluez.Device1)
 * @param changed the part of them just heard, which is preferred where there is a choice
 */
export function advertisementOf(properties: Properties, changed: Properties): NobleAdvertisement {
  return {
    // Not Alias: without a name that is the address.
    localName: typeof properties.Name === 'string' ? properties.Name : undefined,
    txPowerLevel: typeof properties.TxPower === 'number' ? properties.TxPower : undefined,
    manufacturerData: manufacturerData(changed.ManufacturerData ?? properties.ManufacturerData),
    serviceData: Object.entries(plain(properties.ServiceData)).map(([uuid, data]) => ({
      uuid: shortUuid(uuid),
      data: bytes(data),
    })),
    serviceUuids: ((properties.UUIDs ?? []) as readonly string[]).map(shortUuid),
    serviceSolicitationUuids: [],
  };
}
