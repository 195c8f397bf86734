import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { MqttWitness } from '../../kit/broker/mqtt-witness.ts';
import { type Mosquitto, mosquittoSub } from './mosquitto.ts';

/** A message as mosquitto_sub printed it. */
export interface Printed {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  /** As the publisher set it, or, for what was there before, as the broker does. */
  readonly retain: boolean;
  readonly contentType: string;
  /** Seconds that are left. */
  readonly expiry: number | undefined;
  /** 1: the payload is text. */
  readonly format: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Tabs are in none of the fields. */
const FORMAT = ['%t', '%q', '%r', '%C', '%E', '%F', '%P', '%p'].join('\\t');

/** `mosquitto_sub`, which knows nothing of us. */
export class MosquittoSub {
  readonly printed: Printed[] = [];
  readonly #process: ChildProcess;
  readonly #heard = new Set<() => void>();

  /** Resolves when the subscription stands and all that was retained has been printed. */
  static async start(broker: Mosquitto, filters: readonly string[]): Promise<MosquittoSub> {
    const marker = `marker/${randomUUID()}`;
    const sub = new MosquittoSub(broker, [...filters, marker]);
    // The broker sends what it has retained before what comes later.
    const publisher = await MqttWitness.connect(broker.url, []);
    while (sub.on(marker).length === 0) {
      await publisher.publish(marker, 'here');
      await sleep(10);
    }
    await publisher.close();
    return sub;
  }

  /** Everything that is retained now, by topic. */
  static async retained(broker: Mosquitto, filters: readonly string[]): Promise<ReadonlyMap<string, Printed>> {
    const sub = await MosquittoSub.start(broker, filters);
    await sub.close();
    return new Map(sub.printed.filter(({ retain }) => retain).map((message) => [message.topic, message]));
  }

  /** Use {@link MosquittoSub.start}. */
  constructor(broker: Mosquitto, filters: readonly string[]) {
    const topics = filters.flatMap((filter) => ['-t', filter]);
    const words = ['-h', broker.host, '-p', String(broker.port), '-V', '5', '-q', '1', '--retain-as-published'];
    this.#process = spawn(mosquittoSub ?? '', [...words, ...topics, '-F', FORMAT], { stdio: 'pipe' });
    const lines = createInterface({ input: this.#process.stdout ?? process.stdin });
    lines.on('line', (line) => {
      const [topic, qos, retain, contentType = '', expiry = '', format = '', properties = '', ...payload] =
        line.split('\t');
      if (topic !== undefined)
        this.printed.push({
          topic,
          payload: payload.join('\t'),
          qos: Number(qos),
          retain: retain === '1',
          contentType,
          expiry: expiry === '' ? undefined : Number(expiry),
          format,
          properties: Object.fromEntries(properties.split(' ').map((pair) => pair.split(/:(.*)/s).slice(0, 2))),
        });
      for (const check of [...this.#heard]) check();
    });
  }

  on(topic: string): Printed[] {
    return this.printed.filter((message) => message.topic === topic);
  }

  /** Resolves with the first message that fits, printed already or yet to come. */
  first(fits: (message: Printed) => boolean): Promise<Printed> {
    return this.#until(() => this.printed.find(fits));
  }

  /** Everything it printed, as one text. */
  get text(): string {
    return JSON.stringify(this.printed);
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'close');
    this.#process.kill('SIGKILL');
    await ended;
  }

  #until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = () => {
        const found = look();
        if (found === undefined) return;
        this.#heard.delete(check);
        resolve(found);
      };
      this.#heard.add(check);
      check();
    });
  }
}
