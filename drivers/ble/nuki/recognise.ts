import type { BleAdvertisement, Recognition } from '../../../src/contract/index.ts';
import { services } from './catalogue.ts';

/** An iBeacon: Apple's company identifier, type 2, 21 bytes. Frames of other types alternate with it. */
const BEACON_HEAD = '4c000215';
const BEACON_LENGTH = 25;

/** What a lock says about itself to everybody (Bluetooth API, "Bluetooth advertising"). */
export interface NukiBeacon {
  readonly nukiId: number;
  /** Something changed since its state was last read. Not every firmware says so. */
  readonly stateChanged: boolean;
}

export function readBeacon({ manufacturerData }: BleAdvertisement): NukiBeacon | undefined {
  if (manufacturerData?.length !== BEACON_LENGTH || manufacturerData.subarray(0, 4).toString('hex') !== BEACON_HEAD)
    return undefined;
  if (manufacturerData.subarray(4, 20).toString('hex') !== services.keyturner) return undefined;
  return { nukiId: manufacturerData.readUInt32BE(20), stateChanged: (manufacturerData.readUInt8(24) & 1) === 1 };
}

export function recognise(advertisement: BleAdvertisement): Recognition | undefined {
  const ready = advertisement.serviceData.find(
    ({ uuid }) =>
      uuid === services.classicPairing || uuid === services.ultraPairing || uuid === services.initialization,
  );
  const beacon = readBeacon(advertisement);
  if (ready === undefined && beacon === undefined && !/^Nuki_[0-9A-F]{8}$/.test(advertisement.localName ?? ''))
    return undefined;
  const id = ready !== undefined && ready.data.length >= 4 ? ready.data.readUInt32BE(0) : beacon?.nukiId;
  const what =
    id === undefined ? 'Nuki Smart Lock' : `Nuki Smart Lock ${id.toString(16).toUpperCase().padStart(8, '0')}`;
  if (ready === undefined) return { what, note: 'hold its button to pair it', readyToPair: false, settings: {} };
  const factoryNew = ready.uuid === services.initialization;
  return {
    what,
    note: factoryNew ? 'factory-new: set it up in the vendor’s app first' : 'ready to be paired',
    readyToPair: !factoryNew,
    settings: {},
  };
}
