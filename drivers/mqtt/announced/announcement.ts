import { z } from 'zod';
import type { LockState } from '../../../src/contract/index.ts';
import { boundedJson, templateReader, topicNameProblem } from '../../../src/driver-kit/index.ts';

/** Home Assistant, "MQTT discovery", supported abbreviations: those that a lock and its availability use. */
const FULL_NAMES: Readonly<Record<string, string>> = {
  ...{ avty: 'availability', avty_mode: 'availability_mode', avty_t: 'availability_topic', cmps: 'components' },
  ...{ avty_tpl: 'availability_template', cmd_t: 'command_topic', cmd_tpl: 'command_template', opt: 'optimistic' },
  ...{ p: 'platform', pl_avail: 'payload_available', pl_lock: 'payload_lock', pl_unlk: 'payload_unlock' },
  ...{ pl_not_avail: 'payload_not_available', stat_jam: 'state_jammed', stat_locked: 'state_locked' },
  ...{ stat_locking: 'state_locking', stat_t: 'state_topic', stat_unlocked: 'state_unlocked', t: 'topic' },
  ...{ stat_unlocking: 'state_unlocking', uniq_id: 'unique_id', val_tpl: 'value_template', o: 'origin' },
};
const word = z.union([z.string(), z.number(), z.boolean()]).transform(String);
export const topic = z.string().refine((name) => topicNameProblem(name) === undefined, {
  error: ({ input }) => `the topic ${topicNameProblem(String(input))}`,
});
const presence = z.object({
  ...{ topic, value_template: z.string().optional() },
  ...{ payload_available: word.default('online'), payload_not_available: word.default('offline') },
});
/** Home Assistant, "MQTT lock", with its defaults. Its `retain` and `qos` are not asked for: nothing is ever retained. */
const lock = z.object({
  ...{ command_topic: topic, state_topic: topic.optional(), unique_id: word.optional() },
  ...{ command_template: z.string().optional(), value_template: z.string().optional() },
  ...{ payload_lock: word.default('LOCK'), payload_unlock: word.default('UNLOCK') },
  ...{ state_locked: word.default('LOCKED'), state_unlocked: word.default('UNLOCKED') },
  ...{ state_locking: word.default('LOCKING'), state_unlocking: word.default('UNLOCKING') },
  ...{ state_jammed: word.default('JAMMED'), optimistic: z.boolean().default(false) },
  availability: z.preprocess((given) => (isEntry(given) ? [given] : given), z.array(presence).default([])),
  ...{ availability_mode: z.enum(['latest', 'any', 'all']).default('latest'), origin: z.unknown().optional() },
});
/** Zigbee2MQTT announces its `state`, which says UNLOCK for whatever is not locked. Where the bolt is stands beside it. */
const BRIDGE = { state_locked: 'locked', state_unlocked: 'unlocked', value_template: '{{ value_json.lock_state }}' };
export type Announcement = ReturnType<typeof readAnnouncement>;

/**
 * What a discovery message says of a lock, in the single form or in the device form with its components.
 * @throws Error that says why this lock cannot be worked, to be read after "the announcement"
 */
export function readAnnouncement(payload: Buffer, component: string | undefined) {
  if (payload.length === 0) throw new Error('was taken back: the lock was removed there');
  const whole = boundedJson(payload);
  if (!isEntry(whole)) throw new Error('is no JSON object');
  const { data, error } = lock.safeParse(theLock(inFull(whole, undefined), component));
  if (data === undefined) throw new Error(`cannot be used: ${z.prettifyError(error).replace(/[✖\s]+/g, ' ')}`);
  if (!/^(\{\{\s*value\s*\}\})?$/.test(data.command_template ?? ''))
    throw new Error(`has a command_template that is a program: ${data.command_template}`);
  if (data.payload_lock === data.payload_unlock)
    throw new Error(`has one command (${data.payload_lock}) for LOCK and UNLOCK: nobody could tell which is meant`);
  const states = ['jammed', 'unlocking', 'locking', 'unlocked', 'locked'] as const;
  const says = isEntry(data.origin) && data.origin.name === 'Zigbee2MQTT' ? { ...data, ...BRIDGE } : data;
  const meanings = new Map<unknown, LockState>(states.map((state) => [says[`state_${state}`], state]));
  const take = templateReader(says.value_template);
  let hasTold = false;
  const read = (message: Buffer): LockState | undefined => {
    const said = take(message);
    // What is not spoken of makes no claim, until it is left out where it used to be.
    if (said === undefined && !hasTold) return undefined;
    hasTold = true;
    return meanings.get(said) ?? 'unknown';
  };
  return {
    commandTopic: data.command_topic,
    payloads: { locked: data.payload_lock, unlocked: data.payload_unlock },
    /** What an optimistic lock says is what it was told: nobody believes it. */
    state: data.state_topic === undefined || data.optimistic ? undefined : { topic: data.state_topic, read },
    availability: data.availability.map(({ topic: where, value_template, ...says }) => {
      const takeWord = templateReader(value_template);
      const isHere = { [says.payload_not_available]: false, [says.payload_available]: true };
      return { topic: where, read: (message: Buffer) => isHere[takeWord(message) ?? ''] };
    }),
    availabilityMode: data.availability_mode,
    uniqueId: data.unique_id,
  };
}

type Entry = Readonly<Record<string, unknown>>;
const isEntry = (given: unknown): given is Entry =>
  typeof given === 'object' && given !== null && !Array.isArray(given);

/** With long names, and `~` at either end of a topic put in. */
function inFull(given: unknown, above: unknown): Entry {
  if (!isEntry(given)) return {};
  const base = given['~'] ?? above;
  const full = Object.entries(given).map(([short, value]): [string, unknown] => {
    const name = FULL_NAMES[short] ?? short;
    if (Array.isArray(value)) return [name, value.map((one) => (isEntry(one) ? inFull(one, base) : one))];
    // The keys of components are names, not words of the protocol.
    if (name === 'components' && isEntry(value))
      return [name, Object.fromEntries(Object.entries(value).map(([id, one]) => [id, inFull(one, base)]))];
    if (isEntry(value)) return [name, inFull(value, base)];
    const hasBase = name.endsWith('topic') && typeof value === 'string' && typeof base === 'string';
    return [name, hasBase ? value.replace(/^~|~$/, () => base) : value];
  });
  const { availability_topic, availability_template, ...entry } = Object.fromEntries(full);
  if (availability_topic === undefined) return entry;
  return { ...entry, availability: { ...entry, topic: availability_topic, value_template: availability_template } };
}

/** The lock's own entry, over what the device says for all of its components. */
function theLock({ components, ...shared }: Entry, component: string | undefined): Entry {
  if (components === undefined) return shared;
  const locks = Object.entries(components as Entry).filter(([, one]) => isEntry(one) && one.platform === 'lock');
  const [found, another] = component === undefined ? locks : locks.filter(([id]) => id === component);
  if (found !== undefined && another === undefined) return { ...shared, ...(found[1] as Entry) };
  throw new Error(`has these locks: ${locks.map(([id]) => id).join(', ') || 'none'}. Set component to one of them`);
}
