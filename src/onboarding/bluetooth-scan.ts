import type { BleAdapterConfig } from '../config/loaded-config.ts';
import { type BleAdvertisement, GatewayError, type LinkState, type Unsubscribe } from '../contract/index.ts';
import { findingFrom, type HeardDevice, heardFrom, type Recogniser } from './bluetooth-findings.ts';
import type { OnboardingWork } from './onboarding-desk.ts';
import { untilAborted } from './until-aborted.ts';

/** An adapter, as far as one listens with it. */
export interface HearingAdapter {
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
