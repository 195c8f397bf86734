import type { Logger } from 'pino';
import type { OnLimit, Timer, Unsubscribe } from '../contract/index.ts';
import type { Gateway } from '../model/gateway.ts';
import type { AuditHead } from '../model/store.ts';
import { Serializers } from '../wire/serializers.ts';
import { NoiseTopics } from './device-topics.ts';
import { AttemptTopics, EventTopics, type GatewayTopics, gatewayTopics, LogTopic } from './gateway-topics.ts';
import { HomeAssistant, homeAssistantStatus } from './home-assistant.ts';
import type { LogTap } from './log-tap.ts';
import type { Metrics } from './metrics.ts';
import { MqttCommands } from './mqtt-commands.ts';
import { Outbox, type RetainedTopic, StaleTopics } from './outbox.ts';
import type { MonitorPublisher } from './publisher.ts';
import { TopicTree, topicRules } from './topics.ts';
import { WatchedDevice } from './watched-device.ts';

/** How soon it is looked again what a device can do that was not open yet, in milliseconds. */
const LOOK_AGAIN_MS = 1_000;
/** Home Assistant has just started: everybody tells everything again, but not all at once. Milliseconds. */
const JITTER_MS = 5_000;
/** How often the audit log's end is told while it grows, in milliseconds. */
const AUDIT_MS = 1_000;

export interface MonitorConfig {
  readonly baseTopic: string;
  /** Announce everything to Home Assistant. */
  readonly homeAssistant: boolean;
  /** Obey commands on the command topic. */
  readonly commands?: boolean;
  /** Where people reach the console. */
  readonly consoleUrl?: string | undefined;
  /** Milliseconds between two health messages. */
  readonly intervalMs: number;
}

/** Where the audit log ends. */
export interface AuditTold {
  readonly head: AuditHead | undefined;
  onHead(listener: () => void): Unsubscribe;
}

export interface MonitorOptions {
  readonly gateway: Gateway;
  readonly publisher: MonitorPublisher;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** The broker's name in the configuration. */
  readonly broker?: string;
  readonly onLimit?: OnLimit;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly config: MonitorConfig;
  /** SHA-256 of the configuration file, hexadecimal. */
  readonly configDigest?: string;
  /** Told so that a copy elsewhere proves that the log was not changed later. */
  readonly audit?: AuditTold;
  /** Where the log's warnings and errors are heard. */
  readonly logTap?: LogTap;
}

/**
 * Tells on MQTT what the gateway does. Read-only: nothing it hears can move a door, and nothing in the gateway waits
 * for it. Start it before the gateway's devices are opened and stop it after they are closed, so that it tells all of
 * what happens between.
 */
export class MqttMonitor {
  readonly #options: MonitorOptions;
  readonly #tree: TopicTree;
  readonly #outbox: Outbox;
  readonly #gatewayTopics: GatewayTopics;
  readonly #attempts: AttemptTopics;
  readonly #events: EventTopics;
  readonly #noise: NoiseTopics;
  readonly #stale: StaleTopics;
  readonly #devices = new Map<string, WatchedDevice>();
  readonly #gatewayDiscovery: readonly RetainedTopic[];
  readonly #auditHead: RetainedTopic;
  #auditTimer: Timer | undefined;
  readonly #unsubscribe: Unsubscribe[];
  #healthTimer: Timer;
  #lookTimer: Timer | undefined;
  #jitterTimer: Timer | undefined;

  constructor(options: MonitorOptions) {
    const { gateway, publisher, metrics, config, log, logTap } = options;
    const { clock, identity } = gateway;
    this.#options = options;
    const tree = new TopicTree(config.baseTopic);
    this.#tree = tree;
    const outbox = new Outbox({
      clock,
      log,
      publisher,
      kept: () => gateway.kept(),
      gatewayId: identity.id,
      bootId: identity.bootId,
      all: () => this.#all(),
    });
    this.#outbox = outbox;
    this.#gatewayTopics = gatewayTopics({
      ...options,
      tree,
      intervalMs: config.intervalMs,
      configDigest: options.configDigest,
    });
    const devices = gateway.devices.list();
    const announcer = new HomeAssistant(identity, tree, config);
    const homeAssistant = config.homeAssistant ? announcer : undefined;
    this.#gatewayDiscovery = homeAssistant?.ofGateway(devices) ?? [];
    for (const device of devices)
      this.#devices.set(device.deviceId, new WatchedDevice(device, { gateway, outbox, tree, homeAssistant }));
    const answers = new Serializers(gateway);
    this.#events = new EventTopics(answers, outbox, tree);
    this.#attempts = new AttemptTopics({
      attempts: gateway.attempts,
      answers,
      outbox,
      tree,
      deviceIds: this.#devices.keys(),
    });
    this.#noise = new NoiseTopics(clock, outbox, tree);
    this.#stale = this.#staleTopics(announcer, homeAssistant !== undefined);
    metrics.watchMonitor(() => ({ published: outbox.published, dropped: publisher.dropped }));
    const { audit } = options;
    this.#auditHead = {
      topic: tree.auditHead,
      rule: topicRules.auditHead,
      render: () => audit?.head && JSON.stringify({ ...audit.head, boot_id: identity.bootId }),
    };
    this.#unsubscribe = [...this.#listen(), publisher.onConnect(() => this.#connected()), this.#contradictLateWills()];
    if (homeAssistant) this.#unsubscribe.push(this.#greetHomeAssistant());
    if (logTap) this.#unsubscribe.push(this.#listenToLog(logTap));
    if (config.commands) this.#unsubscribe.push(this.#takeCommands());
    this.#healthTimer = this.#nextHealth();
    this.#lookAtUnopened();
    if (outbox.connected) this.#connected();
  }

  /**
   * Tells what has not been told yet, then `offline`. The publisher is to be closed afterwards: it sends what it has,
   * and takes leave so that the broker does not send the will.
   * @param silently another one goes on in its place, on the same publisher
   */
  stop({ silently = false }: { readonly silently?: boolean } = {}): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#healthTimer.cancel();
    this.#lookTimer?.cancel();
    this.#jitterTimer?.cancel();
    if (this.#auditTimer !== undefined) {
      this.#auditTimer.cancel();
      this.#outbox.changed(this.#auditHead);
    }
    this.#stale.close();
    this.#noise.close();
    this.#outbox.close();
    if (!silently) this.#outbox.say(this.#tree.status, topicRules.status, 'offline');
  }

  #listen(): Unsubscribe[] {
    const { gateway, audit } = this.#options;
    return [
      ...(audit ? [audit.onHead(() => this.#auditGrew())] : []),
      gateway.attempts.onChange((attempt) => {
        this.#attempts.heard(attempt);
        // A threshold may have gone, and what it found exceeded with it.
        if (attempt.subject?.kind === 'noise_threshold') this.#lookAt(attempt.deviceId);
      }),
      gateway.devices.onReport((device, report) => {
        this.#devices.get(device.deviceId)?.heard(device, report);
        if (report.kind === 'noise' && device.noise) this.#noise.level(device.deviceId, device.noise);
      }),
      gateway.events.onEvent((event) => {
        this.#events.heard(event);
        if (event.eventType.startsWith('space.')) for (const deviceId of this.#devices.keys()) this.#lookAt(deviceId);
      }),
      gateway.noise.onEpisode(({ threshold }) => this.#stateChanged(threshold.deviceId)),
    ];
  }

  #auditGrew(): void {
    this.#auditTimer ??= this.#options.gateway.clock.setTimer(() => {
      this.#auditTimer = undefined;
      this.#outbox.changed(this.#auditHead);
    }, AUDIT_MS);
  }

  /** What people said of it may have changed. */
  #lookAt(deviceId: string): void {
    const snapshot = this.#options.gateway.devices.get(deviceId);
    if (snapshot) this.#devices.get(deviceId)?.look(snapshot);
    this.#stateChanged(deviceId);
  }

  #stateChanged(deviceId: string): void {
    const device = this.#devices.get(deviceId);
    if (device) this.#outbox.changed(device.topics.state);
  }

  #connected(): void {
    this.#outbox.tellAll();
    this.#stale.connected();
  }

  *#all(): Iterable<RetainedTopic> {
    const { status, info, health } = this.#gatewayTopics;
    yield* [status, info, health];
    if (this.#options.audit) yield this.#auditHead;
    yield* this.#gatewayDiscovery;
    for (const [deviceId, device] of this.#devices) {
      yield* device.retained();
      const last = this.#attempts.last(deviceId);
      if (last) yield last;
    }
  }

  /** The will of a connection that died silently may come long after the gateway is back. */
  #contradictLateWills(): Unsubscribe {
    const { status } = this.#gatewayTopics;
    return this.#options.publisher.subscribe(status.topic, ({ payload, retained }) => {
      if (!retained && isText(payload, 'offline')) this.#outbox.repeat(status);
    });
  }

  #greetHomeAssistant(): Unsubscribe {
    const { publisher, gateway, random } = this.#options;
    return publisher.subscribe(homeAssistantStatus, ({ payload, retained }) => {
      // A retained one is of the past, and at a connect everything is told anyway.
      if (retained || !isText(payload, 'online')) return;
      this.#jitterTimer?.cancel();
      this.#jitterTimer = gateway.clock.setTimer(() => this.#outbox.tellAll(), random() * JITTER_MS);
    });
  }

  #takeCommands(): Unsubscribe {
    const { gateway, publisher, log, broker = 'main', onLimit } = this.#options;
    const { command: topic, commandAnswers } = this.#tree;
    let answers = 0;
    const commands = new MqttCommands({
      ...{ gateway, log, broker, topic, onLimit },
      clear: () => this.#outbox.clear(topic),
      tell: (answer) => {
        answers += 1;
        this.#outbox.happened(`answer ${answers}`, () =>
          this.#outbox.say(commandAnswers, topicRules.answer, JSON.stringify(answer)),
        );
      },
      isOldBroker: () => publisher.protocolVersion === 4,
    });
    return publisher.subscribe(topic, (message) => commands.heard(message), true);
  }

  #listenToLog(tap: LogTap): Unsubscribe {
    const { gateway } = this.#options;
    const names = new Set<string>();
    for (const { slug, driver, link } of gateway.devices.list())
      for (const name of [slug, driver, link, link.replace(/^[^/]*\//, '')]) names.add(name);
    const topic = new LogTopic(gateway.clock, this.#outbox, this.#tree.log, names);
    return tap.listen((line) => topic.heard(line));
  }

  #nextHealth(): Timer {
    const { gateway, config } = this.#options;
    return gateway.clock.setTimer(() => {
      this.#outbox.changed(this.#gatewayTopics.health);
      this.#healthTimer = this.#nextHealth();
    }, config.intervalMs);
  }

  /** A device tells nothing when it was opened, so it is asked until it was. */
  #lookAtUnopened(): void {
    const { gateway } = this.#options;
    const unopened = [...this.#devices].filter(([, device]) => !device.opened);
    if (unopened.length === 0) return;
    this.#lookTimer = gateway.clock.setTimer(() => {
      for (const [deviceId, device] of unopened) {
        const snapshot = gateway.devices.get(deviceId);
        if (snapshot) device.look(snapshot);
      }
      this.#lookAtUnopened();
    }, LOOK_AGAIN_MS);
  }

  #staleTopics(announcer: HomeAssistant, announcing: boolean): StaleTopics {
    const { gateway, publisher } = this.#options;
    const { base } = this.#tree;
    const deviceOf = (deviceId: string) => gateway.devices.get(deviceId);
    const ofGateway = new Set(this.#gatewayDiscovery.map(({ topic }) => topic));
    return new StaleTopics({
      clock: gateway.clock,
      publisher,
      outbox: this.#outbox,
      filters: [
        `${base}/devices/+/state`,
        `${base}/devices/+/availability`,
        `${base}/attempts/last/+`,
        announcer.filter,
      ],
      isOurs: (topic) => {
        const threshold = /_threshold-([^/_]+)\/config$/.exec(topic)?.[1];
        if (threshold !== undefined && gateway.noise.get(threshold) === undefined) return false;
        if (!topic.startsWith(`${base}/`)) return announcing && announcer.isGood(topic, deviceOf, ofGateway);
        const [kind, second = '', third = ''] = topic.slice(base.length + 1).split('/');
        return deviceOf(kind === 'attempts' ? third : second) !== undefined;
      },
    });
  }
}

export const startMonitor = (options: MonitorOptions): MqttMonitor => new MqttMonitor(options);

/** Without making a text of what may have megabytes. */
const isText = (payload: Buffer, text: string): boolean =>
  payload.length === text.length && payload.toString() === text;
