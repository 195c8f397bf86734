import { type Clock, GatewayError, type MqttLink, type MqttMessage, sleep } from '../contract/index.ts';
import { topicNameProblem } from '../driver-kit/index.ts';
import { BridgeTalk, isEntry, jsonOf, textOf } from './bridge-talk.ts';
import { type KnownDevice, zigbeeFinding } from './mqtt-scan.ts';
import type { OnboardingTalk, OnboardingWork } from './onboarding-desk.ts';
import { untilAborted } from './until-aborted.ts';

/** Its state is retained and comes at once. Milliseconds. */
const BRIDGE_MS = 5_000;
/** How long the network may take to be closed again, in milliseconds. A guess. */
const CLOSE_MS = 10_000;

export interface ZigbeeJoinOptions {
  readonly link: MqttLink;
  readonly clock: Clock;
  readonly broker: string;
  readonly base: string;
  /** How the device shall be called; undefined: as Zigbee2MQTT calls it. */
  readonly name: string | undefined;
  readonly seconds: number;
  readonly known: readonly KnownDevice[];
  /** Tells our requests from those of others. */
  readonly own: string;
}

interface Joined {
  readonly ieee: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** @throws GatewayError `invalid_input`: before the network is opened */
export function assertFriendlyName(name: string): void {
  const problem = topicNameProblem(name);
  if (problem !== undefined) throw new GatewayError('invalid_input', `The name ${problem}.`);
  if (/^bridge(\/|$)|\/(set|get|availability)(\/|$)/.test(name))
    throw new GatewayError('invalid_input', 'The name may not have a level that is a topic of Zigbee2MQTT’s own.');
}

/** Opens a Zigbee network until one device has joined, names that device, and closes the network again. */
export function zigbeeJoin(options: ZigbeeJoinOptions): OnboardingWork {
  return async (talk) => {
    const { link, clock, base, name, seconds, own, broker, known } = options;
    if (link.state.status === 'down') throw new GatewayError('link_unavailable', link.state.hint);
    const bridge = new BridgeTalk(link, base, clock, own);
    let opened = false;
    try {
      await assertBridge(options, talk);
      opened = true;
      const joining = join(options, talk);
      joining.catch(() => undefined);
      await bridge.ask('permit_join', { time: seconds }, talk.signal);
      talk.say('open', `The Zigbee network ${base} is open: put the device into its pairing mode.`);
      const joined = await joining;
      const wanted = name ?? textOf(joined.entry.friendly_name) ?? joined.ieee;
      if (name !== undefined && joined.entry.friendly_name !== name) {
        talk.say('naming', `It is called "${name}" from now on.`);
        await bridge.ask('device/rename', { from: joined.ieee, to: name }, talk.signal);
      }
      const finding = zigbeeFinding({ ...joined.entry, friendly_name: wanted }, { base, broker, known });
      if (finding !== undefined) talk.find(finding);
      if (finding?.driver === undefined)
        return `"${wanted}" has joined, but it is neither a lock nor a noise sensor that Zigbee2MQTT knows.`;
      return `${finding.what} has joined.`;
    } finally {
      if (opened) await closeNetwork(bridge, clock);
      bridge.close();
    }
  };
}

/** @throws GatewayError `link_unavailable` */
async function assertBridge({ link, clock, base }: ZigbeeJoinOptions, talk: OnboardingTalk): Promise<void> {
  talk.say('looking for the bridge', `Looking for Zigbee2MQTT at ${base}.`);
  const heard = new Promise<boolean>((resolve) => {
    const stop = link.subscribe(`${base}/bridge/state`, (message) => {
      stop();
      const said = jsonOf(message);
      const state = isEntry(said) ? said.state : message.payload.toString();
      resolve(state === 'online');
    });
  });
  const isOnline = await Promise.race([heard, sleep(clock, BRIDGE_MS, talk.signal).then(() => undefined)]);
  if (isOnline === true) return;
  throw new GatewayError(
    'link_unavailable',
    isOnline === false
      ? `Zigbee2MQTT says on ${base}/bridge/state that it is offline. Start it, and look at its log.`
      : `Zigbee2MQTT is not at ${base}: nothing is told on ${base}/bridge/state. Check its base_topic, and that it runs.`,
  );
}

/** Resolves with the first device that joined and was interviewed. */
async function join({ link, base }: ZigbeeJoinOptions, talk: OnboardingTalk): Promise<Joined> {
  let stop: () => void = () => undefined;
  const joined = new Promise<Joined>((resolve, reject) => {
    stop = link.subscribe(`${base}/bridge/event`, (message) => {
      if (message.retained) return;
      try {
        const found = hearEvent(message, talk);
        if (found !== undefined) resolve(found);
      } catch (error) {
        reject(error);
      }
    });
  });
  try {
    return await Promise.race([joined, untilAborted(talk.signal)]);
  } finally {
    stop();
  }
}

/** @throws GatewayError `device_offline` when the interview failed */
function hearEvent(message: MqttMessage, talk: OnboardingTalk): Joined | undefined {
  const event = jsonOf(message);
  if (!isEntry(event) || !isEntry(event.data)) return undefined;
  const { type, data } = event;
  const ieee = textOf(data.ieee_address)?.toLowerCase();
  if (ieee === undefined) return undefined;
  if (type === 'device_joined') talk.say('joined', `${ieee} has joined, and is asked what it is. Keep it awake.`);
  if (type !== 'device_interview') return undefined;
  if (data.status === 'started') talk.say('interviewing', `${ieee} is asked what it is. Keep it awake.`);
  if (data.status === 'failed')
    throw new GatewayError(
      'device_offline',
      `${ieee} has joined, but did not say what it is. Keep it awake and near, reset it, and try again.`,
    );
  return data.status === 'successful' ? { ieee, entry: data } : undefined;
}

/** An open network is an open door to the network: it is closed whatever happened. */
async function closeNetwork(bridge: BridgeTalk, clock: Clock): Promise<void> {
  const patience = new AbortController();
  const timer = clock.setTimer(() => patience.abort(new GatewayError('expired', 'It took too long.')), CLOSE_MS);
  try {
    await bridge.ask('permit_join', { time: 0 }, patience.signal);
  } catch {
    // It closes by itself when its time is over.
  } finally {
    timer.cancel();
  }
}
