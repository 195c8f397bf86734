import { GatewayError, type MqttLink, type MqttMessage } from '../contract/index.ts';
import { isEntry, jsonOf, textOf } from './bridge-talk.ts';
import { announcedFinding, type KnownDevice, zigbeeFinding } from './mqtt-findings.ts';
import type { OnboardingWork } from './onboarding-desk.ts';
import { untilAborted } from './until-aborted.ts';

/** `bridge/devices` of a large network. Bytes. */
const LARGE = 4 * 1_024 * 1_024;

export interface MqttScanOptions {
  readonly link: MqttLink;
  /** Its name in the configuration. */
  readonly broker: string;
  /** Base topics with several levels are not found by themselves: those of the configuration. */
  readonly bases: readonly string[];
  readonly known: readonly KnownDevice[];
  /** Our own announcements to Home Assistant are none of a lock to be worked. */
  readonly gatewayId: string;
}

/** Lists what bridges and locks announce on a broker. It publishes nothing. */
export function mqttScan({ link, broker, bases, known, gatewayId }: MqttScanOptions): OnboardingWork {
  return async (talk) => {
    if (link.state.status === 'down') throw new GatewayError('link_unavailable', link.state.hint);
    talk.say('listening', `Listening to what is announced on mqtt.${broker}.`);
    const hearDevices = (base: string, message: MqttMessage) => {
      const listed = jsonOf(message);
      if (!Array.isArray(listed)) return;
      for (const entry of listed) {
        const finding = zigbeeFinding(entry, { base, broker, known });
        if (finding !== undefined) talk.find(finding);
      }
    };
    const hearAnnouncement = (message: MqttMessage) => {
      const said = jsonOf(message);
      const finding = announcedFinding(message.topic, said, { broker, known });
      if (finding === undefined || isListed(said, bases)) return;
      if (!message.topic.includes(`/strikeplate_${gatewayId}/`)) talk.find(finding);
    };
    const stops = [
      link.subscribe('+/bridge/devices', (message) => hearDevices(baseOf(message.topic), message), { maxBytes: LARGE }),
      ...bases
        .filter((base) => base.includes('/'))
        .map((base) =>
          link.subscribe(`${base}/bridge/devices`, (message) => hearDevices(base, message), { maxBytes: LARGE }),
        ),
      ...['homeassistant/+/+/config', 'homeassistant/+/+/+/config'].map((filter) =>
        link.subscribe(filter, hearAnnouncement, { maxBytes: LARGE }),
      ),
    ];
    try {
      return await untilAborted(talk.signal);
    } finally {
      for (const stop of stops) stop();
    }
  };
}

const baseOf = (topic: string): string => topic.slice(0, -'/bridge/devices'.length);

/** Zigbee2MQTT announces its locks to Home Assistant as well; where its own list is heard, that says more of them. */
function isListed(said: unknown, bases: readonly string[]): boolean {
  if (!isEntry(said)) return false;
  const origin = said.origin ?? said.o;
  if (!isEntry(origin) || textOf(origin.name) !== 'Zigbee2MQTT') return false;
  const base = /"([^"]+)\/bridge\/state"/.exec(JSON.stringify(said))?.[1];
  return base !== undefined && (!base.includes('/') || bases.includes(base));
}
