import { setTimeout as pause } from 'node:timers/promises';
import { seededNumbers } from '../../fuzz/mutator.ts';
import { GatewayBox, idOf, zigbeeEntry } from '../../kit/gateway/gateway-box.ts';
import {
  GatewayProcess,
  type ProcessOptions,
  runCli,
  type StartingGateway,
} from '../../kit/gateway/gateway-process.ts';
import { type ApiAnswer, ApiCaller, type AttemptLife } from '../../kit/sdk/api-caller.ts';
import { judgeDoor, judgeFinal, judgeKeypad, ON_THE_WAY_MS } from './kill-judge.ts';
import { type AskedThing, KillLoad } from './kill-load.ts';
import { LockProcess, type LockRecord } from './lock-process.ts';
import { Mosquitto } from './mosquitto.ts';
import type { WarmGateways } from './warm-gateways.ts';

const slugs = ['door-1', 'door-2', 'door-3'];
const deviceIds = slugs.map(idOf);
const sensor = 'hall';
const sensorId = idOf(sensor);
/** Milliseconds within which every attempt that was left behind has ended. */
const REST_MS = 60_000;
/** Milliseconds within which each keypad is as wanted: what a busy machine has fail is tried again after 15, 60 and 120 s. */
const KEYPADS_MS = 240_000;
const defects = new URL('./kill-defects.mjs', import.meta.url).pathname;
/** What plants a defect in a gateway: see kill-defects.mjs. */
export const planting = (defect: string | undefined): ProcessOptions =>
  defect === undefined ? {} : { imports: [defects], env: { STRIKEPLATE_PLANTED: defect } };
/** Answers after which a life ends at the latest. */
const MOST_ANSWERS = 40;
/** Attempts that are asked for at a time. */
const PAGE = 100;

export interface KillTally {
  /** Kills before the process listened, soon after that, and under load. */
  readonly starting: number;
  readonly recovering: number;
  readonly loaded: number;
  readonly attempts: number;
  readonly doorCommands: number;
  readonly pins: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

/** Asks one gateway alone: the port of one that was killed may be another site's by now, which knows no such key. */
class MortalCaller extends ApiCaller {
  readonly over: AbortSignal;

  constructor(url: string, key: string, over: AbortSignal) {
    super(url, key, over);
    this.over = over;
  }

  override async post(...asked: Parameters<ApiCaller['post']>): Promise<ApiAnswer> {
    const answer = await super.post(...asked);
    if (answer.status === 401) throw new Error('somebody else answers');
    return answer;
  }
}

interface SiteParts {
  readonly broker: Mosquitto;
  readonly locks: LockProcess;
  readonly box: GatewayBox;
  readonly planted: ProcessOptions;
  readonly warm: WarmGateways | undefined;
}

/** A gateway that is killed and started again, with a broker and locks that outlive it. */
export class KillSite {
  /** Broken promises, in words. */
  readonly broken: string[] = [];
  readonly #box: GatewayBox;
  readonly #broker: Mosquitto;
  readonly #locks: LockProcess;
  readonly #planted: ProcessOptions;
  readonly #warm: WarmGateways | undefined;
  readonly #below: (below: number) => number;
  readonly #load: KillLoad;
  readonly #kills: number[] = [];
  readonly #tally = { starting: 0, recovering: 0, loaded: 0, attempts: 0, doorCommands: 0 };
  readonly #outcomes: Record<string, number> = {};
  /** Up to when commands have been judged, in milliseconds since the Unix epoch. */
  #judgedUntil = 0;
  #running: GatewayProcess | undefined;
  /** What is waited for, in words: for whoever wonders why nothing happens. */
  where = 'made';

  /** @param warm starts most of its lives; each that is judged at rest starts as it does in the field */
  static async make(seed: number, planted: ProcessOptions, warm?: WarmGateways): Promise<KillSite> {
    const broker = await Mosquitto.start();
    const locks = await LockProcess.start(broker.url, sensor, slugs);
    const settings = { kind: 'lock', pin_slots: { first: 1, count: 40 } };
    const box = await GatewayBox.make({
      mqtt: { main: { url: broker.url } },
      access_codes: { lead_minutes: 0 },
      devices: [
        ...slugs.map((slug) => zigbeeEntry(slug, { settings })),
        zigbeeEntry(sensor, { settings: { kind: 'noise', interval_s: 60 } }),
      ],
    });
    return new KillSite({ broker, locks, box, planted, warm }, seed);
  }

  /** Use {@link KillSite.make}. */
  constructor({ broker, locks, box, planted, warm }: SiteParts, seed: number) {
    this.#broker = broker;
    this.#locks = locks;
    this.#box = box;
    this.#planted = planted;
    this.#warm = warm;
    this.#below = seededNumbers(seed);
    this.#load = new KillLoad({ deviceIds, sensorId, below: this.#below });
  }

  get kills(): number {
    return this.#kills.length;
  }

  get tally(): KillTally {
    return { ...this.#tally, pins: this.#load.pinsAsked, outcomes: this.#outcomes };
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#load.refused;
  }

  async close(): Promise<void> {
    await this.#running?.stop('SIGKILL');
    this.#locks.close();
    await this.#broker.close();
    this.#box.dispose();
  }

  /** One life, from its start to a kill at a moment that nobody chose. */
  async live(): Promise<void> {
    const when = this.#below(4);
    const starting = this.#begin();
    if (when === 0) {
      starting.up.catch(() => undefined);
      await pause(this.#below(this.#warm === undefined ? 900 : 400));
      this.#tally.starting += 1;
      await this.#kill(starting);
      return;
    }
    this.where = 'starting';
    const before = this.#commandsBefore();
    const gateway = await starting.up;
    this.where = 'under load';
    const asked = this.#askedOf(this.#callerOf(gateway), await before);
    // Under load it dies after so many answers, so that a busy machine has it die no earlier in its work.
    if (when > 1) await this.#answered(gateway, this.#below(MOST_ANSWERS));
    await pause(this.#below(when === 1 ? 150 : 50));
    this.#tally[when === 1 ? 'recovering' : 'loaded'] += 1;
    await this.#kill(gateway);
    this.where = 'load after the kill';
    await asked;
  }

  /** One life in which everything comes to rest and is judged; then it is killed, too. */
  async rest(): Promise<void> {
    const gateway = await this.#settled();
    this.#tally.loaded += 1;
    await this.#kill(gateway);
  }

  /** The last life: everything is taken back, and the audit log is whole. */
  async end(): Promise<void> {
    const api = this.#callerOf(await this.#settled());
    for (const thing of this.#load.things) await this.#load.delete(api, thing);
    await this.#keypads(api);
    const end = await this.#running?.stop();
    this.#running = undefined;
    if (end?.code !== 0) this.#says(`it ended with ${end?.code ?? end?.signal}: ${end?.stderr}`);
    const audit = await runCli(['audit', 'verify', '--config', this.#box.configFile]);
    if (audit.code !== 0) this.#says(`audit verify: ${audit.stdout} ${audit.stderr}`);
  }

  #begin(): StartingGateway {
    return this.#warm?.begin(this.#box) ?? GatewayProcess.begin(this.#box, this.#planted);
  }

  /** Its requests end with the process that they went to. */
  #callerOf({ api, ended }: GatewayProcess): MortalCaller {
    const end = new AbortController();
    void ended.then(() => end.abort());
    return new MortalCaller(api.url, this.#box.key, end.signal);
  }

  async #answered(gateway: GatewayProcess, more: number): Promise<void> {
    let isOver = false;
    void gateway.ended.then(() => {
      isOver = true;
    });
    const enough = this.#load.answers + more;
    while (this.#load.answers < enough && !isOver) await pause(5);
  }

  async #kill(gateway: Pick<GatewayProcess, 'signal' | 'ended'>): Promise<void> {
    this.#kills.push(Date.now());
    this.where = 'killed';
    gateway.signal('SIGKILL');
    const { signal, code, stderr } = await gateway.ended;
    if (signal !== 'SIGKILL') this.#says(`it ended by itself with ${code ?? signal}: ${stderr}`);
    this.#running = undefined;
  }

  /** What a killed process had sent is with the locks by then, and the next one has not come to send anything. */
  async #commandsBefore(): Promise<number> {
    await pause(ON_THE_WAY_MS);
    return this.#locks.commands();
  }

  async #askedOf(api: MortalCaller, commandsBefore: number): Promise<void> {
    try {
      await this.#remembers(api);
    } catch {
      return; // killed meanwhile
    }
    const sent = (await this.#locks.commands()) - commandsBefore;
    if (sent > 0) this.#says(`P2 ${sent} door commands came, and nobody had asked for any`);
    await this.#load.run(api, api.over);
  }

  /** What was answered is there, and what was final is the same. */
  async #remembers(api: ApiCaller): Promise<void> {
    const known = this.#load.doors.flatMap(({ attempt }) => attempt ?? []);
    for (let from = 0; from < known.length; from += PAGE) {
      const page = known.slice(from, from + PAGE);
      const action_attempt_ids = page.map(({ action_attempt_id }) => action_attempt_id);
      const { body } = await api.post('/action_attempts/list', { action_attempt_ids, limit: PAGE });
      const now = new Map(
        (body.action_attempts ?? []).map((one: (typeof page)[number]) => [one.action_attempt_id, one]),
      );
      for (const attempt of page)
        for (const what of judgeFinal(attempt, now.get(attempt.action_attempt_id))) this.#says(what);
      for (const door of this.#load.doors) {
        const newer = now.get(door.attempt?.action_attempt_id ?? '');
        if (newer !== undefined) door.attempt = newer;
      }
    }
    const stands = async (object: AskedThing['object'], listed: Promise<readonly string[]>) => {
      const ids = new Set(await listed);
      for (const { id = '' } of this.#load.standing(object))
        if (!ids.has(id)) this.#says(`P1 ${object} ${id} was answered, and is not known any more`);
    };
    await stands(
      'access_code',
      codesOf(api).then((codes) => codes.map(({ access_code_id }) => access_code_id)),
    );
    await stands(
      'access_grant',
      grantsOf(api).then((grants) => grants.map(({ access_grant_id }) => access_grant_id)),
    );
    const { body } = await api.post('/noise_sensors/noise_thresholds/list', { device_id: sensorId });
    const thresholds: readonly { noise_threshold_id: string }[] = body.noise_thresholds ?? [];
    await stands('noise_threshold', Promise.resolve(thresholds.map((one) => one.noise_threshold_id)));
  }

  async #settled(): Promise<GatewayProcess> {
    const before = this.#commandsBefore();
    const gateway = await GatewayProcess.start(this.#box, this.#planted);
    this.#running = gateway;
    this.where = 'coming to rest';
    const api = this.#callerOf(gateway);
    await this.#remembers(api);
    this.where = 'waiting for the locks';
    for (const deviceId of deviceIds) await api.online(deviceId);
    this.where = 'waiting for what was under way';
    const pending = this.#load.doors.flatMap(({ attempt }) => (attempt?.status === 'pending' ? attempt : []));
    await this.#ended(
      api,
      pending.map(({ action_attempt_id }) => action_attempt_id),
    );
    const sent = (await this.#locks.commands()) - (await before);
    if (sent > 0) this.#says(`P2 ${sent} door commands came, and nobody had asked for any`);
    this.where = 'asking again';
    await this.#load.repeatUnanswered(api);
    const doors = this.#load.doors.splice(0).flatMap(({ attempt }) => attempt?.action_attempt_id ?? []);
    const lives = await this.#ended(api, doors);
    await pause(ON_THE_WAY_MS);
    this.#judgeDoors(await this.#locks.record(), lives);
    this.where = 'taking back';
    await this.#takeBack(api);
    await this.#keypads(api);
    return gateway;
  }

  #judgeDoors(record: readonly LockRecord[], lives: readonly AttemptLife[]): void {
    for (const whole of record) {
      const lock = { ...whole, commands: whole.commands.filter(({ at }) => at > this.#judgedUntil) };
      const here = lives.filter(({ deviceId }) => deviceId === idOf(lock.slug));
      for (const what of judgeDoor({ lock, lives: here, kills: this.#kills })) this.#says(what);
      this.#tally.doorCommands += lock.commands.length;
    }
    this.#judgedUntil = Date.now();
    this.#tally.attempts += lives.length;
    for (const { attempt } of lives) {
      const outcome = attempt.error?.type ?? (attempt.result?.was_confirmed_by_device ? 'confirmed' : 'unconfirmed');
      this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
    }
  }

  /** As an application does that looks what became of its unanswered requests. */
  async #takeBack(api: ApiCaller): Promise<void> {
    for (const thing of this.#load.things.filter(({ deletion }) => deletion === 'asked'))
      await this.#load.delete(api, thing);
    const unanswered = this.#load.things.filter(({ id }) => id === undefined);
    const grants = new Set(this.#load.things.map(({ id }) => id));
    for (const { access_grant_id } of await grantsOf(api))
      if (!grants.has(access_grant_id)) await api.post('/access_grants/delete', { access_grant_id });
    const ofCodes = new Set(unanswered.filter(({ object }) => object === 'access_code').flatMap(({ pins }) => pins));
    for (const { access_code_id, code } of await codesOf(api))
      if (code !== null && ofCodes.has(code)) await api.post('/access_codes/delete', { access_code_id });
    for (const thing of unanswered) this.#load.forget(thing);
  }

  /** What stands on the keypads, once the gateway has come to rest, is what it says, and what was asked. */
  async #keypads(api: ApiCaller): Promise<void> {
    for (const thing of this.#load.things) if (thing.deletion === 'answered') this.#load.forget(thing);
    this.where = 'waiting for the keypads';
    const until = Date.now() + KEYPADS_MS;
    for (;;) {
      const wrong: string[] = [];
      const codes = await codesOf(api);
      for (const lock of await this.#locks.record()) {
        const of = codes.filter(({ device_id }) => device_id === idOf(lock.slug));
        for (const { access_code_id, status, pending_mutations } of of)
          if (status !== 'set' || pending_mutations.length > 0) wrong.push(`${access_code_id} is ${status}`);
        const things = this.#load.things.filter(({ deviceIds: on }) => on.includes(idOf(lock.slug)));
        const told = of.map(({ code }) => code ?? '');
        wrong.push(...judgeKeypad(lock, told, { oneOf: things.map(({ pins }) => pins), may: [] }));
      }
      if (wrong.length === 0) return;
      if (Date.now() > until) {
        for (const what of wrong) this.#says(what);
        return;
      }
      await pause(200);
    }
  }

  async #ended(api: ApiCaller, ids: readonly string[]): Promise<readonly AttemptLife[]> {
    const lives: AttemptLife[] = [];
    for (let from = 0; from < ids.length; from += PAGE) {
      const late = new AbortController();
      const patience = pause(REST_MS, 'late' as const, { signal: late.signal }).catch(() => 'late' as const);
      const page = await Promise.race([api.ended(ids.slice(from, from + PAGE)), patience]);
      late.abort();
      if (page === 'late') this.#says(`P5 attempts have not ended after ${REST_MS} ms`);
      else lives.push(...page);
    }
    return lives;
  }

  #says(what: string): void {
    this.broken.push(`after ${this.kills} kills: ${what}`);
  }
}

interface WireCode {
  readonly access_code_id: string;
  readonly device_id: string;
  readonly code: string | null;
  readonly status: string;
  readonly pending_mutations: readonly unknown[];
}

async function codesOf(api: ApiCaller): Promise<readonly WireCode[]> {
  const lists = deviceIds.map((device_id) => api.post('/access_codes/list', { device_id }));
  return (await Promise.all(lists)).flatMap(({ body }) => (body.access_codes ?? []) as readonly WireCode[]);
}

async function grantsOf(api: ApiCaller): Promise<readonly { readonly access_grant_id: string }[]> {
  return (await api.post('/access_grants/list')).body.access_grants ?? [];
}
