import { z } from 'zod';
import * as contract from '../../../src/contract/index.ts';
import * as kit from '../../../src/driver-kit/index.ts';
import { type Announcement, readAnnouncement, topic } from './announcement.ts';

/** Announcements are retained, so they come at once. A guess with room for a slow broker. */
const PATIENCE_MS = 5_000;
const AWAY = 'It says that it is away: check its power and its network.';

const settings = z.strictObject({
  discovery_topic: topic
    .regex(/\/config$/, 'a discovery topic ends with /config')
    .describe('Where the lock announces itself: homeassistant/lock/…/config or homeassistant/device/…/config.'),
  component: z.string().optional().describe('The lock’s key among the components, for a device with several locks.'),
  unique_id: z.string().optional().describe('The lock’s unique_id: another lock on the topic is refused.'),
  manufacturer: z.string().default('unknown').describe('The maker, for the API’s answers.'),
  model: z.string().default('MQTT lock').describe('The model, for the API’s answers.'),
});

type Settings = z.output<typeof settings>;

export const announced = contract.defineDriver({
  id: 'mqtt/announced',
  title: 'Locks that announce themselves by Home Assistant’s MQTT discovery',
  link: 'mqtt',
  settings,
  describe: ({ manufacturer, model }) => ({ deviceType: 'mqtt_lock', manufacturer, model }),
  part: ({ discovery_topic, component }) => `the announcement ${discovery_topic} ${component ?? ''}`.trim(),
  open: async (link, chosen, ctx) => openLock(link, chosen, ctx),
});

/** Follows what the lock announces of itself, and tells the book and the gateway what is said on its topics. */
function follow(link: contract.MqttLink, chosen: Settings, ctx: contract.OpenContext, book: kit.EvidenceBook) {
  const { name, clock } = ctx;
  const where = chosen.discovery_topic;
  const tellHealth = kit.healthTeller(ctx);
  let lock: Announcement | undefined;
  let problem: string | undefined;
  let text: string | undefined;
  let boundTo = chosen.unique_id;
  let presence: kit.MqttPresence | undefined;
  let following: contract.Unsubscribe[] = [];

  function judgeHealth(): void {
    if (way.isOverdue && lock === undefined) problem ??= `Nothing is announced on ${where}. Check discovery_topic.`;
    if (link.state.status === 'down') tellHealth({ status: 'offline', reason: 'link_down', hint: link.state.hint });
    else if (problem !== undefined) tellHealth({ status: 'misconfigured', reason: 'wrong_settings', hint: problem });
    else if (lock === undefined) tellHealth({ status: 'not_ready', reason: 'opening', hint: `Waiting for ${where}.` });
    else if (presence?.isAway) tellHealth({ status: 'offline', reason: 'not_answering', hint: AWAY });
    else tellHealth({ status: 'online' });
  }

  function hearAnnouncement(payload: Buffer): void {
    if (payload.toString() === text) return;
    text = payload.toString();
    leave();
    lock = problem = undefined;
    try {
      const heard = readAnnouncement(payload, chosen.component);
      boundTo ??= heard.uniqueId;
      if (boundTo !== heard.uniqueId) throw new Error(`is of another lock, ${heard.uniqueId}, not of ${boundTo}`);
      hearLock(heard);
      lock = heard;
    } catch (error) {
      problem = `The announcement on ${where} ${(error as Error).message}.`;
    }
    ctx.report({ kind: 'capabilities' });
    judgeHealth();
  }

  function hearLock({ commandTopic, state, availability, availabilityMode }: Announcement): void {
    presence = new kit.MqttPresence({ link, clock, book }, availability, availabilityMode, judgeHealth);
    const hear = (message: contract.MqttMessage) => {
      const said = state?.read(message.payload);
      if (said === undefined) return;
      ctx.report({ kind: 'lock_state', state: said, ...(message.retained && { hearsay: true }) });
      book.told(kit.boltClaim(said, clock.now(), message));
    };
    // A command that somebody left retained there would be carried out again at each reconnect.
    following = [link.claimCommandTopic(commandTopic), ...(state ? [link.subscribe(state.topic, hear)] : [])];
  }

  function leave(): void {
    if (lock !== undefined) book.gap();
    presence?.close();
    for (const unsubscribe of following.splice(0)) unsubscribe();
  }

  function close(): void {
    way.close();
    leave();
    stop();
  }

  /** @throws GatewayError `not_sent` while it cannot be commanded, or is another than was meant */
  function theLock(meant = lock): Announcement {
    if (link.state.status === 'down') throw fail('link_unavailable', `${name} cannot be reached. ${link.state.hint}`);
    if (problem !== undefined) throw fail('misconfigured', `Nothing was sent to ${name}. ${problem}`);
    if (lock === undefined) throw fail('device_not_ready', `${name} was not announced yet. Try again in a moment.`);
    if (lock !== meant) throw fail('device_not_ready', `${name} was announced anew just now. Try again.`);
    return lock;
  }

  const way = new kit.LinkWatch({ ...{ link, clock, book, patienceMs: PATIENCE_MS }, onChange: judgeHealth });
  const stop = link.subscribe(where, ({ payload }) => hearAnnouncement(payload));
  judgeHealth();
  return { theLock, told: () => lock, isAway: () => presence?.isAway, close };
}

const fail = (type: contract.GatewayErrorType, message: string, delivery: contract.Delivery = 'not_sent') =>
  new contract.GatewayError(type, message, { delivery });

function openLock(link: contract.MqttLink, chosen: Settings, ctx: contract.OpenContext): contract.Device {
  const { name, clock } = ctx;
  const book = new kit.EvidenceBook({ clock, closing: () => ctx.closing, lateByMs: 0 });
  const { theLock, told, isAway, close } = follow(link, chosen, ctx, book);

  async function operate(target: 'locked' | 'unlocked', ctx: contract.CommandContext) {
    const meant = theLock();
    const assertMayGo = () => void theLock(meant);
    const verdict = await book.judge({
      goal: { proof: [{ about: 'bolt', value: target }] },
      ...{ ...kit.unaskedLock, ctx },
      traits: { ...kit.unaskedLock.traits, tellsChanges: meant.state !== undefined },
      send: async (observer, said) => {
        const permit = kit.observedPermit(await ctx.pointOfNoReturn(), { ...observer, assertMayGo });
        const at = await link.command(permit, meant.commandTopic, meant.payloads[target], ctx.signal);
        said({ said: 'acknowledged', at });
      },
    });
    // It said that it was away, and nothing since: that is borne out.
    if (verdict.end === 'unknown' && verdict.why === 'silent' && isAway()) {
      const unheard = `Nothing shows that ${name} did as it was told. ${AWAY} Look at the door.`;
      throw fail('device_offline', unheard, 'maybe_sent');
    }
    return kit.doorOutcome(verdict, { name, target });
  }

  return {
    lock: {
      get observes() {
        return told()?.state === undefined ? 'nothing' : 'reports';
      },
      lock: (command) => operate('locked', command),
      unlock: (command) => operate('unlocked', command),
    },
    isBehindBridge: true,
    close: async () => close(),
  };
}
