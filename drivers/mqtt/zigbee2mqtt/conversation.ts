import type { Clock, MqttLink } from '../../../src/contract/index.ts';
import type { DeviceFeed } from './device-feed.ts';
import { type Named, unreachable } from './failures.ts';
import type { Topics } from './topics.ts';

/** What every conversation with a device needs. */
export interface Conversation {
  readonly link: MqttLink;
  readonly feed: DeviceFeed;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly device: Named;
  /** Aborts when the device is closed. */
  readonly closing: AbortSignal;
}

/** @throws GatewayError `link_unavailable` or `device_offline`, `not_sent` */
export function assertReachable({ feed, device }: Conversation): void {
  if (feed.interruption !== undefined) throw unreachable(device, feed.interruption, 'not_sent');
}
