import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');

/** What was once said, and what is said instead. Names of types, classes and functions; the glossary has the rest. */
const retired = {
  AccessCodeWish: 'AccessCodeRequest',
  Answers: 'Serializers',
  AttemptBook: 'AttemptRegistry',
  Bookkeeper: 'CommandObserver',
  Chapter: 'DeviceProjection',
  CodeBook: 'CodeRepository',
  CodeKeeper: 'CodeReconciler',
  Fate: 'Acknowledgement',
  CodeTaker: 'CodeTarget',
  DeviceAccess: 'DeviceSession',
  DeviceChronicle: 'DeviceEventProjector',
  Inbox: 'Mailbox',
  LockSurvey: 'SlotScan',
  RelayDoor: 'RelaySession',
  Standing: 'CodeEvaluation',
  Talk: 'DeviceSession',
  Timekeeper: 'TrustedClock',
  Witness: 'Mailbox',
  rollCall: 'eventsOfDeviceList',
  tidings: 'eventsOfCode',
};

/** Words that no name of the product is made of, and what is said instead. */
const retiredWords: Readonly<Record<string, string>> = {
  bookkeeper: 'observer',
  chronicle: 'event projector',
  conclude: 'settle',
  concluded: 'settled',
  conversation: 'session, or command',
  converse: 'session',
  inbox: 'mailbox',
  keeper: 'reconciler, or repository',
  ladder: 'backoff',
  spare: 'backup',
  spares: 'backups',
  spoilt: 'corrupt',
  survey: 'slot scan',
  tidings: 'eventsOf',
  timekeeper: 'trusted clock',
};

/** Types that were called alike once, though they were not. */
const oneOnly = ['Place', 'Watch', 'Keeper', 'Book', 'Target', 'Named', 'Waiting', 'Kind', 'Room', 'Running', 'Sent'];

const sources = ['src', 'drivers'].flatMap((folder) =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(folder, file)),
);

/** What remains begins no sentence: there a word is plain English. */
const withoutComments = (source: string): string => source.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'[^'\n]*'|`[^`]*`/g, '');

describe('the vocabulary', () => {
  it('has no retired word among its names', () => {
    const names = new RegExp(`\\b(?:${Object.keys(retired).join('|')})\\b`, 'g');
    const found = sources.flatMap((file) =>
      [...withoutComments(readFileSync(join(repository, file), 'utf8')).matchAll(names)].map(
        ([word]) => `${file}: ${word}`,
      ),
    );
    expect(found).toEqual([]);
  });

  it('makes no name of a retired word', () => {
    // The console speaks to people: its sentences are named by what they say.
    const ours = sources.filter((file) => !file.startsWith('src/console/'));
    const found = ours.flatMap((file) =>
      [...withoutComments(readFileSync(join(repository, file), 'utf8')).matchAll(/[A-Za-z]\w*/g)].flatMap(([name]) =>
        name
          .split(/(?<=[a-z0-9])(?=[A-Z])|_/)
          .map((word) => word.toLowerCase())
          .filter((word) => Object.hasOwn(retiredWords, word))
          .map((word) => `${file}: ${name}; say ${retiredWords[word]}`),
      ),
    );
    expect(found).toEqual([]);
  });

  it('calls one thing alone by a name that was many things', () => {
    const declared = sources.flatMap((file) =>
      [
        ...readFileSync(join(repository, file), 'utf8').matchAll(
          /^(?:export )?(?:abstract )?(?:class|interface|type) (\w+)/gm,
        ),
      ].flatMap(([, name = '']) => (oneOnly.includes(name) ? [{ name, file }] : [])),
    );
    const many = oneOnly
      .map((name) => declared.filter((one) => one.name === name).map(({ file }) => `${name}: ${file}`))
      .filter((places) => places.length > 1);
    expect(many).toEqual([]);
  });

  it('has at most twenty words of its own, each explained once', () => {
    const page = readFileSync(join(repository, 'docs/architecture.md'), 'utf8');
    const words = [...page.slice(page.indexOf('## Glossary')).matchAll(/^\| ([a-z ]+) \| /gm)]
      .map(([, word = '']) => word)
      .filter((word) => word !== 'word');
    expect(words.length).toBeGreaterThan(0);
    expect(words.length).toBeLessThanOrEqual(20);
    expect(new Set(words).size).toBe(words.length);
  });
});
