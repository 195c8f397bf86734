import { bytesOf, type Properties, plain, textsOf } from './bus-values.ts';
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

/** Bluetooth SIG, Assigned Numbers, section 7: company identifiers have 16 bits. */
const HIGHEST_COMPANY = 0xffff;

/** Company identifier first, least significant byte first, as on the air. */
function manufacturerData(dictionary: unknown): Buffer | undefined {
  const [entry] = Object.entries(plain(dictionary));
  const number = Number(entry?.[0]);
  const data = bytesOf(entry?.[1]);
  if (data === undefined || !Number.isInteger(number) || number < 0 || number > HIGHEST_COMPANY) return undefined;
  const company = Buffer.alloc(2);
  company.writeUInt16LE(number);
  return Buffer.concat([company, data]);
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
    serviceData: Object.entries(plain(properties.ServiceData)).flatMap(([uuid, value]) => {
      const data = bytesOf(value);
      return data === undefined ? [] : { uuid: shortUuid(uuid), data };
    }),
    serviceUuids: textsOf(properties.UUIDs).map(shortUuid),
    serviceSolicitationUuids: [],
  };
}
