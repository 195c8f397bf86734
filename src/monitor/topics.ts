import type { LastWill } from './publisher.ts';

/** How messages of one kind are published. */
export interface TopicRule {
  /** Name and version of the payload's shape. */
  readonly schema: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly expirySeconds?: number;
  readonly contentType?: 'text/plain';
  /** Nobody wants it later: without a connection it is let go. */
  readonly onlyNow?: true;
}

/** Every kind of message there is. What is retained tells how things are; the rest tells what happened. */
export const topicRules = {
  status: { schema: 'strikeplate.status.v1', qos: 1, retain: true, contentType: 'text/plain' },
  info: { schema: 'strikeplate.info.v1', qos: 1, retain: true },
  auditHead: { schema: 'strikeplate.audit_head.v1', qos: 1, retain: true },
  health: { schema: 'strikeplate.health.v1', qos: 0, retain: true },
  attempt: { schema: 'strikeplate.attempt.v1', qos: 1, retain: false, expirySeconds: 3_600 },
  lastAttempt: { schema: 'strikeplate.last_attempt.v1', qos: 1, retain: true },
  deviceState: { schema: 'strikeplate.device_state.v1', qos: 1, retain: true },
  availability: { schema: 'strikeplate.availability.v1', qos: 1, retain: true, contentType: 'text/plain' },
  event: { schema: 'strikeplate.event.v1', qos: 1, retain: false, expirySeconds: 600 },
  noiseLevel: { schema: 'strikeplate.noise_level.v1', qos: 0, retain: false, expirySeconds: 120, onlyNow: true },
  answer: { schema: 'strikeplate.command_answer.v1', qos: 1, retain: false, expirySeconds: 60 },
  log: { schema: 'strikeplate.log.v1', qos: 0, retain: false, expirySeconds: 60 },
  discovery: { schema: 'homeassistant.config', qos: 1, retain: true },
} as const satisfies Record<string, TopicRule>;

/** Where everything is, below the gateway's base topic. */
export class TopicTree {
  readonly base: string;

  /** @param base `strikeplate/<gateway_id>` unless configured otherwise */
  constructor(base: string) {
    this.base = base;
  }

  get status(): string {
    return `${this.base}/status`;
  }

  get info(): string {
    return `${this.base}/info`;
  }

  get health(): string {
    return `${this.base}/health`;
  }

  get auditHead(): string {
    return `${this.base}/audit/head`;
  }

  get log(): string {
    return `${this.base}/log`;
  }

  /** Where commands are taken, where they are switched on. */
  get command(): string {
    return `${this.base}/command`;
  }

  /** What became of them. */
  get commandAnswers(): string {
    return `${this.base}/command/answers`;
  }

  attempt(actionAttemptId: string): string {
    return `${this.base}/attempts/${actionAttemptId}`;
  }

  lastAttempt(deviceId: string): string {
    return `${this.base}/attempts/last/${deviceId}`;
  }

  deviceState(deviceId: string): string {
    return `${this.base}/devices/${deviceId}/state`;
  }

  availability(deviceId: string): string {
    return `${this.base}/devices/${deviceId}/availability`;
  }

  deviceEvents(deviceId: string): string {
    return `${this.base}/devices/${deviceId}/events`;
  }

  grantEvents(accessGrantId: string): string {
    return `${this.base}/grants/${accessGrantId}/events`;
  }

  spaceEvents(spaceId: string): string {
    return `${this.base}/spaces/${spaceId}/events`;
  }

  noiseLevel(deviceId: string): string {
    return `${this.base}/noise/${deviceId}/level`;
  }

  noiseEvents(deviceId: string): string {
    return `${this.base}/noise/${deviceId}/events`;
  }
}

/** For the connection that the monitor publishes on: the broker says `offline` when the gateway vanishes. */
export const statusWill = (baseTopic: string): LastWill => ({
  topic: new TopicTree(baseTopic).status,
  payload: 'offline',
  retain: true,
  qos: 1,
});
