import type { BleAdapterConfig, DriverCatalogue } from '../config/loaded-config.ts';
import { yamlString } from '../config/yaml-text.ts';
import {
  type BleAdvertisement,
  type DriverDefinition,
  GatewayError,
  type LinkState,
  type Recognition,
  type Unsubscribe,
} from '../contract/index.ts';
import type { OnboardingFinding } from '../model/onboarding.ts';
import type { OnboardingWork } from './onboarding-desk.ts';
import { untilAborted } from './until-aborted.ts';

/** Something that was heard, and what a driver says to it. */
export interface HeardDevice {
  readonly address: string;
  readonly addressType: 'public' | 'random';
  /** dBm, the last. */
  readonly rssi: number;
  readonly name: string | undefined;
  /** Undefined where no driver knows it. */
  readonly driver: string | undefined;
  readonly what: string | undefined;
  readonly note: string | undefined;
  readonly readyToPair: boolean | undefined;
  readonly settings: Recognition['settings'];
}

/** A driver that tells its devices by what they send to everybody. */
export interface Recogniser {
  readonly id: string;
  readonly recognise: NonNullable<DriverDefinition['recognise']>;
}

export async function loadRecognisers(drivers: DriverCatalogue): Promise<readonly Recogniser[]> {
  const bluetooth = Object.entries(drivers).filter(([id]) => id.startsWith('ble/'));
  const loaded = await Promise.all(bluetooth.map(([, load]) => load()));
  return loaded.flatMap(({ id, recognise }) => (recognise === undefined ? [] : [{ id, recognise }]));
}

/** What is known of a device after one more of its advertisements. */
export function heardFrom(
  advertisement: BleAdvertisement,
  recognisers: readonly Recogniser[],
  before: HeardDevice | undefined,
): HeardDevice {
  const { address, addressType, rssi, localName } = advertisement;
  const common = { address, addressType, rssi, name: localName ?? before?.name };
  for (const { id, recognise } of recognisers) {
    const recognised = recognise(advertisement);
    if (recognised === undefined) continue;
    const { what, note, readyToPair, settings } = recognised;
    return { ...common, driver: id, what, note, readyToPair, settings };
  }
  // Frames of other kinds alternate with those that tell: what was known stays.
  if (before !== undefined) return { ...before, ...common };
  return { ...common, driver: undefined, what: undefined, note: undefined, readyToPair: undefined, settings: {} };
}

export function inWords({ what, address, rssi, note, driver }: HeardDevice, configuredAs: string | undefined): string {
  const place = configuredAs === undefined ? '' : `, in the configuration as ${configuredAs}`;
  const hint = configuredAs === undefined && note !== undefined ? `: ${note}` : '';
  return `${what} (${driver}), ${address.toUpperCase()}, ${rssi} dBm${place}${hint}`;
}

/** Lines for the configuration; none when there is nothing new. */
export function fragmentFor({ name, radio }: BleAdapterConfig, devices: readonly HeardDevice[]): readonly string[] {
  if (devices.length === 0) return [];
  return [
    'ble:',
    `  ${name}: ${section(radio)}`,
    'devices:',
    ...devices.flatMap((device) => deviceLines(name, device)),
  ];
}

function section(radio: BleAdapterConfig['radio']): string {
  switch (radio.kind) {
    case 'kernel': {
      return `{ adapter: ${spelt(radio.adapter)}${radio.userChannel ? ', user_channel: true' : ''} }`;
    }
    case 'uart':
      return `{ uart: ${radio.path}, baud_rate: ${radio.baudRate} }`;
    case 'dbus':
      return `{ dbus: ${spelt(radio.adapter)} }`;
    case 'simulated':
      return '{ simulated: true }';
  }
}

const spelt = (adapter: string): string => (adapter.includes(':') ? `"${adapter.toUpperCase()}"` : adapter);

function deviceLines(radio: string, { address, addressType, driver, what, settings }: HeardDevice): readonly string[] {
  const tail = address.replaceAll(':', '').slice(-4);
  const product = driver?.split('/')[1] ?? 'device';
  const type = addressType === 'public' ? '' : `, address_type: ${addressType}`;
  return [
    `  - id: ${product}-${tail}`,
    `    name: ${yamlString(`${what} ${tail.toUpperCase()}`)}`,
    `    driver: ${driver}`,
    `    link: { ble: ${radio}, address: "${address.toUpperCase()}"${type} }`,
    ...(Object.keys(settings).length === 0 ? [] : [`    settings: ${JSON.stringify(settings)}`]),
  ];
}

/** What was heard, as an onboarding tells it. */
export function findingFrom(
  adapter: BleAdapterConfig,
  device: HeardDevice,
  configuredAs: string | undefined,
): OnboardingFinding {
  const { address, addressType, rssi, name, driver, what, note, readyToPair } = device;
  const isNew = driver !== undefined && configuredAs === undefined;
  return {
    ...{ address, driver, note, configuredAs },
    what: what ?? name ?? 'unknown',
    configuration: isNew ? fragmentFor(adapter, [device]) : [],
    details: { address_type: addressType, rssi, name: name ?? null, ready_to_pair: readyToPair ?? null },
  };
}

/** An adapter, as far as one listens with it. */
interface HearingAdapter {
  readonly state: LinkState;
  /** @param quick for a person who waits */
  onAdvertisement(listener: (advertisement: BleAdvertisement) => void, quick: boolean): Unsubscribe;
}

/** Listens until its time is over. It connects with nobody, and gives way to every command. */
export function bluetoothScan(
  adapter: HearingAdapter,
  config: BleAdapterConfig,
  recognisers: readonly Recogniser[],
  slugAt: (address: string) => string | undefined,
): OnboardingWork {
  return async (talk) => {
    assertUp(adapter);
    talk.say('listening', `Listening on ble.${config.name}.`);
    const heard = new Map<string, HeardDevice>();
    const stop = adapter.onAdvertisement((advertisement) => {
      const device = heardFrom(advertisement, recognisers, heard.get(advertisement.address));
      heard.set(device.address, device);
      talk.find(findingFrom(config, device, slugAt(device.address)));
    }, true);
    try {
      return await untilAborted(talk.signal);
    } finally {
      stop();
    }
  };
}

function assertUp({ state }: HearingAdapter): void {
  if (state.status === 'down') throw new GatewayError('link_unavailable', state.hint);
}
