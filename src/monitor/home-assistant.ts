import { tellsOfBolt } from '../contract/index.ts';
import type { DeviceSnapshot } from '../model/device-snapshot.ts';
import type { GatewayIdentity } from '../model/gateway.ts';
import type { Shown } from './device-topics.ts';
import {
  type CommandableEntity,
  commandableLock,
  type NamedThreshold,
  operations,
  thresholdNumber,
} from './mqtt-commands.ts';
import type { RetainedTopic } from './outbox.ts';
import { type TopicTree, topicRules } from './topics.ts';

/** Home Assistant's default prefix for discovery, and where it says that it has started. */
const PREFIX = 'homeassistant';
export const homeAssistantStatus = `${PREFIX}/status`;

/** A sensor that says nothing for so many of its intervals is shown as unavailable. */
const SILENT_INTERVALS = 3;

type Component = 'sensor' | 'binary_sensor' | CommandableEntity['component'];
type Fields = Readonly<Record<string, unknown>>;

export interface HomeAssistantOptions {
  /** Locks and thresholds may be commanded. */
  readonly commands?: boolean | undefined;
  /** Where people reach the console. */
  readonly consoleUrl?: string | undefined;
}

/** What people said of a device that Home Assistant likes to know. */
export interface Surroundings {
  /** The space that it is in. */
  readonly area?: string | undefined;
  readonly thresholds?: readonly NamedThreshold[];
}

interface Entity {
  readonly component: Component;
  /** Tells the entities of one device apart; letters and hyphens alone. */
  readonly id: string;
  readonly fields: Fields;
}

/** Entities that only a lock has, and only a noise sensor; those not named here may be on either. */
const ofLocks: ReadonlySet<string> = new Set(['lock', 'control', 'operations', 'lock-state', 'jam', 'operated-by']);
const ofNoiseSensors: ReadonlySet<string> = new Set(['level', 'loud']);

/**
 * Announces devices to Home Assistant (https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery). All entities
 * are read-only unless commands are switched on: a `lock` entity needs a topic for them.
 */
export class HomeAssistant {
  readonly #identity: GatewayIdentity;
  readonly #tree: TopicTree;
  readonly #node: string;
  readonly #options: HomeAssistantOptions;

  constructor(identity: GatewayIdentity, tree: TopicTree, options: HomeAssistantOptions = {}) {
    this.#options = options;
    this.#identity = identity;
    this.#tree = tree;
    this.#node = `strikeplate_${identity.id}`;
  }

  /** Matches every configuration this gateway ever announced. */
  get filter(): string {
    return `${PREFIX}/+/${this.#node}/+/config`;
  }

  /** The gateway's own diagnostics. */
  ofGateway(devices: readonly DeviceSnapshot[]): RetainedTopic[] {
    const { id, name, version } = this.#identity;
    const tree = this.#tree;
    const device = {
      identifiers: [this.#node],
      name,
      manufacturer: 'Strikeplate',
      model: 'Gateway',
      sw_version: version,
      ...this.#console(''),
    };
    const ofHealth = { state_topic: tree.health, availability: [{ topic: tree.status }] };
    const entities: Entity[] = [
      {
        component: 'binary_sensor',
        id: 'connected',
        // It has no availability of its own: when the gateway is gone it shows "disconnected", not "unavailable".
        fields: {
          name: 'Connected',
          device_class: 'connectivity',
          state_topic: tree.status,
          ...onOff('online', 'offline'),
        },
      },
      {
        component: 'sensor',
        id: 'uptime',
        fields: {
          name: 'Uptime',
          ...ofHealth,
          value_template: '{{ value_json.uptime_s }}',
          device_class: 'duration',
          unit_of_measurement: 's',
        },
      },
      {
        component: 'sensor',
        id: 'errors',
        fields: {
          name: 'Failed attempts',
          ...ofHealth,
          value_template: '{{ value_json.attempts.error_total }}',
          state_class: 'total_increasing',
        },
      },
      {
        component: 'sensor',
        id: 'p-ninety-nine',
        fields: {
          name: 'Attempt duration, 99th percentile',
          ...ofHealth,
          value_template: '{{ value_json.attempts.p99_ms }}',
          device_class: 'duration',
          state_class: 'measurement',
          unit_of_measurement: 'ms',
        },
      },
      ...driversOf(devices).map(({ driver, links }): Entity => {
        const up = links.map((link) => `value_json.links['${link}'].status == 'up'`).join(' and ');
        return {
          component: 'binary_sensor',
          id: `driver-${driver.replace(/[^a-z0-9]+/gi, '-')}`,
          fields: {
            name: `${driver} connected`,
            ...ofHealth,
            value_template: `{{ 'ON' if ${up} else 'OFF' }}`,
            device_class: 'connectivity',
          },
        };
      }),
    ];
    return entities.map(({ component, id: entity, fields }) =>
      this.#config(component, `gateway_${entity}`, `strikeplate_${id}_gateway_${entity}`, {
        ...fields,
        entity_category: 'diagnostic',
        device,
      }),
    );
  }

  ofDevice(device: DeviceSnapshot, shown: Shown, { area, thresholds = [] }: Surroundings = {}): RetainedTopic[] {
    const { deviceId, name, manufacturer, model, serialNumber } = device;
    const about = {
      identifiers: [`strikeplate_${deviceId}`],
      name,
      manufacturer,
      model,
      ...(serialNumber !== undefined && { serial_number: serialNumber }),
      ...(area !== undefined && { suggested_area: area }),
      ...this.#console(`#/devices/${deviceId}`),
      via_device: this.#node,
    };
    const entities = entitiesOf(device, shown, this.#tree, this.#options.commands === true, thresholds);
    return entities.map(({ component, id, fields }) =>
      this.#config(component, `${deviceId}_${id}`, `strikeplate_${deviceId}_${id}`, { ...fields, device: about }),
    );
  }

  /**
   * Whether a configuration that lies at the broker is still good. What a configured device may yet show to have is
   * kept: taking it away and announcing it again would lose what people have set in Home Assistant.
   */
  isGood(
    topic: string,
    deviceOf: (deviceId: string) => DeviceSnapshot | undefined,
    gatewayTopics: ReadonlySet<string>,
  ) {
    if (gatewayTopics.has(topic)) return true;
    const [, component = '', , objectId = ''] = topic.split('/');
    const cut = objectId.lastIndexOf('_');
    const device = deviceOf(objectId.slice(0, cut));
    if (device === undefined) return false;
    const { lock, accessCodes, noise } = device.capabilities;
    const opened = lock !== undefined || accessCodes !== undefined || noise !== undefined;
    if (!opened) return true;
    const entity = objectId.slice(cut + 1);
    const isCommandable = component === 'lock' || component === 'number';
    if (isCommandable && !this.#options.commands) return false;
    // A lock that can be commanded shows its state itself.
    if (this.#options.commands && component === 'binary_sensor' && entity === 'lock') return false;
    if (ofLocks.has(entity)) return lock !== undefined;
    if (ofNoiseSensors.has(entity)) return noise !== undefined;
    return true;
  }

  /** @param place in the console */
  #console(place: string): Fields {
    const { consoleUrl } = this.#options;
    return consoleUrl === undefined ? {} : { configuration_url: `${consoleUrl.replace(/\/$/, '')}/${place}` };
  }

  #config(component: Component, objectId: string, uniqueId: string, fields: Fields): RetainedTopic {
    return {
      topic: `${PREFIX}/${component}/${this.#node}/${objectId}/config`,
      rule: topicRules.discovery,
      render: () =>
        JSON.stringify({
          ...fields,
          ...(fields.availability === undefined ? {} : { availability_mode: 'all' }),
          unique_id: uniqueId,
          qos: fields.qos ?? 1,
          origin: { name: 'Strikeplate', sw_version: this.#identity.version },
        }),
    };
  }
}

function entitiesOf(
  device: DeviceSnapshot,
  shown: Shown,
  tree: TopicTree,
  commands: boolean,
  thresholds: readonly NamedThreshold[],
): Entity[] {
  const { deviceId, capabilities } = device;
  const availability = [{ topic: tree.status }, { topic: tree.availability(deviceId) }];
  const ofState = { state_topic: tree.deviceState(deviceId), availability };
  const { lock, noise } = capabilities;
  const entities: Entity[] = [
    {
      component: 'binary_sensor',
      id: 'reachable',
      fields: {
        name: 'Reachable',
        state_topic: tree.availability(deviceId),
        availability: [{ topic: tree.status }],
        ...onOff('online', 'offline'),
        device_class: 'connectivity',
        entity_category: 'diagnostic',
      },
    },
  ];
  if (lock !== undefined) {
    const shownAlone = lockEntities(ofState, tellsOfBolt(lock.observes));
    entities.push(
      ...(commands ? [commandableLock(device, ofState, tree), ...shownAlone.slice(1)] : shownAlone),
      operations(deviceId, availability, tree),
    );
  }
  if (noise !== undefined) {
    const intervalMs = Math.max(1_000, noise.expectedIntervalMs);
    entities.push(
      {
        component: 'sensor',
        id: 'level',
        fields: {
          name: 'Level',
          state_topic: tree.noiseLevel(deviceId),
          availability,
          value_template: '{{ value_json.level_db }}',
          device_class: 'sound_pressure',
          state_class: 'measurement',
          unit_of_measurement: isWeightedA(noise.metric) ? 'dBA' : 'dB',
          expire_after: Math.ceil((SILENT_INTERVALS * intervalMs) / 1_000),
        },
      },
      {
        component: 'binary_sensor',
        id: 'loud',
        fields: {
          name: 'Too loud',
          ...ofState,
          value_template: "{{ 'ON' if value_json.noise_exceeded else 'OFF' }}",
          device_class: 'sound',
        },
      },
      ...(commands ? thresholds.map((threshold) => thresholdNumber(threshold, ofState, tree)) : []),
    );
  }
  if (shown.battery) entities.push(...batteryEntities(ofState));
  if (shown.door) {
    entities.push({
      component: 'binary_sensor',
      id: 'door',
      fields: {
        name: 'Door',
        ...ofState,
        value_template: threeWay('door', 'open', 'closed'),
        device_class: 'door',
      },
    });
  }
  return entities;
}

function lockEntities(ofState: Fields, boltIsSeen: boolean): Entity[] {
  return [
    {
      component: 'binary_sensor',
      id: 'lock',
      fields: {
        // Home Assistant's class `lock` speaks of a bolt: what sees none shows its release instead.
        ...(boltIsSeen ? { name: 'Lock', device_class: 'lock' } : { name: 'Release' }),
        ...ofState,
        value_template: threeWay('state', 'unlocked', 'locked'),
      },
    },
    {
      component: 'sensor',
      id: 'lock-state',
      fields: {
        name: 'State',
        ...ofState,
        value_template: '{{ value_json.state }}',
        device_class: 'enum',
        options: ['locked', 'unlocked', 'locking', 'unlocking', 'jammed', 'unknown'],
      },
    },
    {
      component: 'binary_sensor',
      id: 'jam',
      fields: {
        name: 'Jammed',
        ...ofState,
        value_template: "{{ 'ON' if value_json.state == 'jammed' else 'OFF' }}",
        device_class: 'problem',
      },
    },
    {
      component: 'sensor',
      id: 'operated-by',
      fields: { name: 'Operated by', ...ofState, value_template: '{{ value_json.changed_by }}' },
    },
  ];
}

function batteryEntities(ofState: Fields): Entity[] {
  return [
    {
      component: 'sensor',
      id: 'battery',
      fields: {
        name: 'Battery',
        ...ofState,
        value_template: "{{ (value_json.battery * 100) | round(0) | int if value_json.battery is number else 'None' }}",
        device_class: 'battery',
        state_class: 'measurement',
        unit_of_measurement: '%',
        entity_category: 'diagnostic',
      },
    },
    {
      component: 'binary_sensor',
      id: 'battery-low',
      fields: {
        name: 'Battery low',
        ...ofState,
        value_template: "{{ 'ON' if value_json.battery_low == true else 'OFF' }}",
        device_class: 'battery',
        entity_category: 'diagnostic',
      },
    },
  ];
}

/** A text `None` makes a binary sensor "unknown" (`PAYLOAD_NONE` in homeassistant/components/mqtt/const.py). */
const threeWay = (field: string, on: string, off: string): string =>
  `{{ 'ON' if value_json.${field} == '${on}' else 'OFF' if value_json.${field} == '${off}' else 'None' }}`;

const onOff = (on: string, off: string): Fields => ({ payload_on: on, payload_off: off });

const isWeightedA = (metric: string): boolean => /^(LA|dBA$)/.test(metric);

/** Each driver that is configured, with the links of its devices. */
function driversOf(
  devices: readonly DeviceSnapshot[],
): { readonly driver: string; readonly links: readonly string[] }[] {
  const links = new Map<string, Set<string>>();
  for (const { driver, link } of devices) links.set(driver, (links.get(driver) ?? new Set()).add(link));
  return [...links].map(([driver, names]) => ({ driver, links: [...names].sort() })).sort(byDriver);
}

const byDriver = (a: { readonly driver: string }, b: { readonly driver: string }): number =>
  a.driver < b.driver ? -1 : 1;
