import type { Health, LinkState } from '../../../src/contract/index.ts';
import type { Interruption, Known } from './device-feed.ts';
import type { Named } from './failures.ts';

export interface Signs {
  readonly link: LinkState;
  readonly interruption: Interruption | undefined;
  readonly bridge: Known;
  /** The bridge said that it knows no such device, and has not spoken of it since. */
  readonly unknownToBridge: boolean;
  /** The bridge has had time enough to say something. */
  readonly patienceOver: boolean;
}

/** What the signs of link, bridge and device come to. */
export function healthOf(signs: Signs, { name, friendlyName, baseTopic }: Named): Health {
  if (signs.interruption === 'bridge')
    return { status: 'offline', reason: 'bridge_down', hint: `Start Zigbee2MQTT (base topic "${baseTopic}").` };
  if (signs.link.status === 'down') return { status: 'offline', reason: 'link_down', hint: signs.link.hint };
  if (signs.unknownToBridge)
    return {
      status: 'misconfigured',
      reason: 'wrong_settings',
      hint: `Zigbee2MQTT knows no device "${friendlyName}": correct friendly_name in the settings of ${name}.`,
    };
  if (signs.interruption === 'device')
    return {
      status: 'offline',
      reason: 'not_answering',
      hint: 'Check its battery, and that a Zigbee router is near.',
    };
  if (signs.bridge === 'online') return { status: 'online' };
  if (!signs.patienceOver)
    return { status: 'not_ready', reason: 'opening', hint: 'Waiting for word from Zigbee2MQTT.' };
  return {
    status: 'offline',
    reason: 'bridge_down',
    hint: `Nothing was heard from Zigbee2MQTT under "${baseTopic}": check that it runs and that base_topic is right.`,
  };
}
