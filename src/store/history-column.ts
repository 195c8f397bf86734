import type { Evidence, HistoryEntry } from '../model/records.ts';
import { type Column, jsonOf } from './columns.ts';
import { shortHistory } from './short-texts.mjs';

/**
 * What histories say again and again, in a row by its place in this list: a history of five states and what was heard
 * takes 180 bytes instead of 560. Rows are read for years, so no place is ever given to another word: new ones go to the
 * end. Everything else stands in a row as it is.
 */
const KNOWN_WORDS: readonly string[] = [
  // States.
  'accepted',
  'waiting_for_turn',
  'connecting',
  'sending',
  'confirming',
  'backing_off',
  'reading_back',
  'recording',
  'succeeded',
  'failed',
  // Reasons of a healthy attempt.
  'the request was received',
  'others are before it on this device',
  'its turn',
  'about to send',
  'writing down the intent to send',
  'the intent is on disk',
  'the command leaves',
  'the device answered',
  'done',
  // Where a message came from.
  'told',
  'answer',
  'word',
  'acknowledgement',
  'silence',
  'gap',
  'return',
  'judgement',
  // What it was worth.
  'proves',
  'moves',
  'stands',
  'elsewhere',
  'half_way',
  'stuck',
  'not_known',
  'refuses',
  'held',
  'of_the_past',
  'not_counted',
  'no_observation',
  'breaks_off',
  'decides',
  // What it spoke of, and what it said.
  'bolt',
  'relay',
  'change',
  'locked',
  'unlocked',
  'confirmed',
];
const places = new Map(KNOWN_WORDS.map((known, place) => [known, place]));

/** A place in {@link KNOWN_WORDS}, or the word itself. */
type Word = number | string;
/** A number counts from the first entry; a string is a time that such a difference could not give back exactly. */
type Time = number | string;
type EntryTuple = [state: Word, at: Time, reason: Word, evidence?: EvidenceTuple[]];
type EvidenceTuple = [at: Time, source: Word, verdict: Word, about: Word | null, value: Word | null, times: number];

export function historyParameter(history: readonly HistoryEntry[]): string {
  const first = history[0]?.at ?? 0;
  const tuples: EntryTuple[] = [];
  for (const { state, at, reason, evidence } of history) {
    const since = tuples.length === 0 ? at : counted(at, first);
    const entry: EntryTuple = [places.get(state) ?? state, since, places.get(reason) ?? reason];
    if (evidence !== undefined) entry.push(evidence.map((one) => weighed(one, first)));
    tuples.push(entry);
  }
  return shortHistory(JSON.stringify(tuples));
}

const counted = (at: number, first: number): Time => (first + (at - first) === at ? at - first : String(at));

const weighed = ({ at, source, verdict, about, value, times }: Evidence, first: number): EvidenceTuple => [
  counted(at, first),
  places.get(source) ?? source,
  places.get(verdict) ?? verdict,
  about === undefined ? null : (places.get(about) ?? about),
  value === undefined ? null : (places.get(value) ?? value),
  times,
];

/** Reads what earlier versions wrote, too: they wrote every word out. */
export function historyOf(column: Column): HistoryEntry[] {
  const tuples = jsonOf<EntryTuple[]>(column);
  const first = Number(tuples[0]?.[1] ?? 0);
  const at = (time: Time) => (typeof time === 'string' ? Number(time) : first + time);
  return tuples.map(([state, time, reason, evidence], index) => ({
    state: textOf(state),
    at: index === 0 ? first : at(time),
    reason: textOf(reason),
    ...(evidence !== undefined && {
      evidence: evidence.map(([since, source, verdict, about, value, times]) => ({
        at: at(since),
        source: textOf(source) as Evidence['source'],
        about: about === null ? undefined : textOf(about),
        value: value === null ? undefined : textOf(value),
        verdict: textOf(verdict) as Evidence['verdict'],
        times,
      })),
    }),
  }));
}

/** A place without a word is a later version's: it shows as the number it is. */
const textOf = (word: Word): string => (typeof word === 'number' ? (KNOWN_WORDS[word] ?? String(word)) : word);
