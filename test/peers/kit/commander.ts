import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/clock/system-clock.ts';
import { GatewayError, type MqttLink } from '../../../src/contract/index.ts';
import { type RecordedLog, recordLog } from '../../../src/driver-testing/recorded-log.ts';
import { MqttTransport, type MqttTransportOptions } from '../../../src/transports/mqtt/index.ts';
import { becomes } from '../../kit/broker/link-becomes.ts';

/** How a numbered command ended: the broker has it, or an error with its delivery. */
export interface Ended {
  readonly number: number;
  /** `performance.now()` */
  readonly sendBy: number;
  readonly outcome: 'sent' | GatewayError;
}

/**
 * Sends numbered commands as the gateway does: each has a `send_by`, is tried again while nothing has left, and never
 * after something may have.
 */
export class Commander {
  readonly transport: MqttTransport;
  readonly link: MqttLink;
  readonly log: RecordedLog = recordLog();
  readonly #topic: string;
  #next = 0;

  constructor(topic: string, options: Partial<MqttTransportOptions> & Pick<MqttTransportOptions, 'url'>) {
    this.#topic = topic;
    this.transport = new MqttTransport({
      name: 'main',
      clientId: `gateway-${Math.random().toString(36).slice(2)}`,
      clock: systemClock,
      random: Math.random,
      log: this.log.logger,
      ...options,
    });
    this.link = this.transport.link('Front Door');
  }

  async start(): Promise<this> {
    this.transport.start();
    await becomes(this.link, 'up');
    return this;
  }

  async send(withinMs: number): Promise<Ended> {
    const number = this.#next++;
    const sendBy = systemClock.now() + withinMs;
    const deadline = AbortSignal.timeout(withinMs + 4_000);
    let before: GatewayError | undefined;
    for (;;) {
      try {
        await this.link.command(permit(sendBy), this.#topic, String(number), deadline);
        return { number, sendBy, outcome: 'sent' };
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        // A try that came too late says less than the one before it did.
        if (error.type === 'expired' && before) return { number, sendBy, outcome: before };
        before = error;
        const again = error.retry === 'until_send_by' && error.delivery === 'not_sent';
        if (!again || systemClock.now() + 50 >= sendBy) return { number, sendBy, outcome: error };
        await sleep(50);
      }
    }
  }

  /** Sends a command every `everyMs` and resolves when all have ended. */
  async sendMany(count: number, everyMs: number, withinMs: number): Promise<Ended[]> {
    const all: Promise<Ended>[] = [];
    for (let index = 0; index < count; index++) {
      all.push(this.send(withinMs));
      await sleep(everyMs);
    }
    return Promise.all(all);
  }

  close(): Promise<void> {
    return this.transport.close();
  }
}

function permit(sendBy: number) {
  return {
    sendBy,
    spend() {
      if (systemClock.now() >= sendBy) throw new GatewayError('expired', 'too late');
    },
    withdraw() {},
  };
}
