import type { Health, LinkState, OpenContext, Timer } from '../../../src/contract/index.ts';
import type { BindingProblem } from './device-binding.ts';
import type { FeedEvent, HeardMessage, Interruption, Known } from './device-feed.ts';
import type { DeviceSession } from './device-session.ts';
import { type NamedDevice, whyNotOurs } from './failures.ts';
import type { Reporter } from './reports.ts';

/** A bridge that runs says so at once: its state is retained. A guess with room for a slow broker. */
const bridgePatienceMs = 5_000;
/** A device that came back is asked within this time, at random, so that a building does not ask all at once. */
const refreshWithinMs = 1_000;

export interface DeviceWatchOptions {
  readonly ctx: Pick<OpenContext, 'random' | 'log'>;
  readonly reporter: Reporter;
  /** The payload that makes the device tell its state; undefined for one that cannot be asked. */
  readonly refresh: string | undefined;
  /** The payload of a read that shows whether the bridge knows the name. */
  readonly probe: string;
}

/** What somebody else did is reported as a state within this time, or the lock is asked where its bolt is. A guess. */
const settlesMs = 1_500;

/** Tells how the device is, and asks it for its state whenever it may have changed unheard. */
export class DeviceWatch {
  readonly #session: DeviceSession;
  readonly #options: DeviceWatchOptions;
  #name: string;
  #isWarned = false;
  #patienceOver = false;
  #patience: Timer | undefined;
  #refreshing: Timer | undefined;
  /** Somebody moved the bolt, and it is not shown there. */
  #doubting: Timer | undefined;
  /** Ends the questions under way. */
  #asking: AbortController | undefined;
  #questions = 0;
  readonly #stop: (() => void)[];

  constructor(session: DeviceSession, options: DeviceWatchOptions) {
    this.#session = session;
    this.#options = options;
    const { feed, link, binding } = session;
    this.#name = binding.name;
    this.#stop = [
      feed.listen((event) => this.#heard(event)),
      link.onStateChange(() => this.#judge()),
      binding.onChange(() => this.#changed()),
    ];
    if (link.state.status === 'up') this.#wait();
    if (feed.interruption === undefined) this.#refreshSoon();
    this.#judge();
  }

  close(): void {
    for (const stop of this.#stop.splice(0)) stop();
    this.#patience?.cancel();
    this.#refreshing?.cancel();
    this.#doubting?.cancel();
    this.#asking?.abort();
  }

  #heard(event: FeedEvent): void {
    if (event.kind === 'message' && event.isNews) this.#doubt(event);
    if (event.kind === 'message' || event.kind === 'complaint') return; // health follows from what these make known
    if (event.kind === 'reachable') {
      this.#wait();
      this.#refreshSoon();
    }
    this.#judge();
  }

  #changed(): void {
    const { binding, device } = this.#session;
    if (binding.name !== this.#name) {
      this.#name = binding.name;
      this.#refreshSoon();
    }
    if (binding.isUnchecked && !this.#isWarned) {
      this.#isWarned = true;
      this.#options.ctx.log.warn(
        { device: device.name },
        `Zigbee2MQTT did not tell its devices on ${device.baseTopic}/bridge/devices: allow the gateway’s user to read ` +
          'that topic. Until then nobody can check that the name is the device’s own, nor look for commands left ' +
          'retained under its other names.',
      );
      if (this.#options.refresh === undefined) this.#ask(this.#options.probe);
    }
    this.#judge();
  }

  #wait(): void {
    this.#patience?.cancel();
    this.#patienceOver = false;
    this.#patience = this.#session.clock.setTimer(() => {
      this.#patienceOver = true;
      this.#judge();
    }, bridgePatienceMs);
  }

  #refreshSoon(): void {
    const { refresh, ctx } = this.#options;
    if (refresh === undefined) return;
    this.#refreshing?.cancel();
    this.#refreshing = this.#session.clock.setTimer(() => this.#ask(refresh), ctx.random() * refreshWithinMs);
  }

  /** Some locks tell what a hand did and not where the bolt is since: the bridge goes on showing what was before. */
  #doubt({ message: { event }, bolt, retained, changed }: HeardMessage): void {
    if (changed?.has('lock_state') || changed?.has('state')) this.#doubting?.cancel();
    if (retained || event?.kind !== 'operated' || event.method === 'remote') return;
    const moved = event.operation === 'locked' || event.operation === 'unlocked';
    const { refresh } = this.#options;
    if (!moved || bolt === undefined || bolt === event.operation || refresh === undefined) return;
    this.#doubting?.cancel();
    this.#doubting = this.#session.clock.setTimer(() => this.#ask(refresh), settlesMs);
  }

  /** A link that went meanwhile comes back with another refresh. */
  #ask(payload: string): void {
    const { link, feed, binding, book, own } = this.#session;
    if (binding.problem !== undefined) return;
    if (payload === this.#options.refresh) {
      book.asked('bolt');
      own.asked('bolt');
    }
    // Thousands ask when a bridge comes: what ends the question goes with it.
    this.#asking ??= new AbortController();
    this.#questions += 1;
    const asked = () => {
      this.#questions -= 1;
      if (this.#questions === 0) this.#asking = undefined;
    };
    link.query(feed.topics.get, payload, this.#asking.signal).then(asked, asked);
  }

  #judge(): void {
    const { feed, link, binding, device } = this.#session;
    const signs = {
      link: link.state,
      interruption: feed.interruption,
      bridge: feed.bridge,
      availability: feed.availability,
      problem: binding.problem,
      patienceOver: this.#patienceOver,
    };
    this.#options.reporter.tell({ kind: 'health', health: healthOf(signs, device) });
  }
}

interface Signs {
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
function healthOf(signs: Signs, device: NamedDevice): Health {
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
