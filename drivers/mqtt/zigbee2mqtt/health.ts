import type { Health, LinkState } from '../../../src/contract/index.ts';
import type { BindingProblem } from './device-binding.ts';
import type { Interruption, Known } from './device-feed.ts';
import { type Named, whyNotOurs } from './failures.ts';

export interface Signs {
  readonly link: LinkState;
  readonly interruption: Interruption | undefined;
  readonly bridge: Known;
  /** The bridge's own guess from how long ago it heard the device. */
  readonly availability: Known;
  readonly problem: BindingProblem | undefined;
  /** The bridge has had time enough to say something. */
  readonly patienceOver: boolean;
}

/** What the signs of link, bridge and device come to. */
export function healthOf(signs: Signs, device: Named): Health {
  const { baseTopic } = device;
  if (signs.interruption === 'bridge')
    return { status: 'offline', reason: 'bridge_down', hint: `Start Zigbee2MQTT (base topic "${baseTopic}").` };
  if (signs.link.status === 'down') return { status: 'offline', reason: 'link_down', hint: signs.link.hint };
  if (signs.problem !== undefined) {
    const reason = signs.problem.kind === 'unsupported' ? 'unsupported_device' : 'wrong_settings';
    return { status: 'misconfigured', reason, hint: sentence(whyNotOurs(device, signs.problem)) };
  }
  if (signs.availability === 'offline')
    return {
      status: 'offline',
      reason: 'not_answering',
      hint: 'Zigbee2MQTT has not heard from it for long. Check its battery, and that a Zigbee router is near.',
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

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
