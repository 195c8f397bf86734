import type { Secret } from '../contract/index.ts';
import type { AuditActor } from './audit.ts';

/** What can be done while the gateway runs to get to know devices. */
export const onboardingKinds = [
  'bluetooth_scan',
  'device_pairing',
  'mqtt_scan',
  'zigbee_join',
  'zwave_inclusion',
  'zwave_smart_start',
  'zwave_exclusion',
  'zwave_replacement',
  'zwave_removal',
  'zwave_route_rebuild',
] as const;
export type OnboardingKind = (typeof onboardingKinds)[number];

export const onboardingStatuses = ['running', 'succeeded', 'failed', 'cancelled'] as const;
export type OnboardingStatus = (typeof onboardingStatuses)[number];

/** Something that only a person at the device knows. */
export interface OnboardingQuestion {
  readonly name: string;
  /** For that person alone: it may show what is printed on the device. */
  readonly text: string;
  readonly isSecret: boolean;
}

/** A device that was heard, or that joined. */
export interface OnboardingFinding {
  /** Tells it from others: a Bluetooth address, a topic, a node. */
  readonly address: string;
  /** In words. */
  readonly what: string;
  /** Undefined where no driver knows it. */
  readonly driver: string | undefined;
  readonly note: string | undefined;
  /** The short id of the device that is configured there. */
  readonly configuredAs: string | undefined;
  /** For a file: sections to be merged with those that are there. */
  readonly configuration: readonly string[];
  /** What else is known, by the medium's own words. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

export interface OnboardingRecord {
  readonly onboardingId: string;
  readonly kind: OnboardingKind;
  /** What it has for itself meanwhile: `ble/radio`, `zwave/stick`, `mqtt/main`. */
  readonly radio: string;
  /** The device that is paired. */
  readonly deviceId: string | undefined;
  readonly status: OnboardingStatus;
  /** Where it is, in one or two words. */
  readonly step: string;
  /** The same as a sentence; never a PIN, nor a key of a device. */
  readonly message: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  /** It ends by itself then. */
  readonly endsAt: number;
  readonly endedAt: number | undefined;
  readonly question: OnboardingQuestion | undefined;
  readonly found: readonly OnboardingFinding[];
  /** Why it failed. */
  readonly error: { readonly type: string; readonly message: string } | undefined;
}

export interface OnboardingRequest {
  readonly kind: OnboardingKind;
  /** `ble/radio`; undefined: the only one there is. */
  readonly link?: string | undefined;
  readonly deviceId?: string | undefined;
  readonly seconds?: number | undefined;
  /** What is answered beforehand, by the question's name: a PIN, a DSK. */
  readonly answers: ReadonlyMap<string, Secret>;
  /** How a device that joins shall be called at its bridge. */
  readonly name?: string | undefined;
  readonly baseTopic?: string | undefined;
  /** The number of a Z-Wave node. */
  readonly node?: number | undefined;
}

/** Getting to know devices, one at a time for each radio. */
export interface Onboarding {
  /**
   * @throws GatewayError `invalid_input` when it cannot work as asked, a malformed PIN among it; `device_not_found`;
   * `onboarding_under_way`; `link_unavailable`
   */
  start(request: OnboardingRequest, by: AuditActor): Promise<OnboardingRecord>;
  /** @throws GatewayError `onboarding_not_found`; `invalid_input` when nothing is asked, or the answer is none */
  answer(onboardingId: string, answers: ReadonlyMap<string, Secret>): OnboardingRecord;
  /** Ends it; one that has ended stays as it is. @throws GatewayError `onboarding_not_found` */
  cancel(onboardingId: string): Promise<OnboardingRecord>;
  /** @throws GatewayError `onboarding_not_found` */
  get(onboardingId: string): OnboardingRecord;
  /** Newest first; of those that have ended the last few. */
  list(): readonly OnboardingRecord[];
}
