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
