import { describe, expect, it } from 'vitest';
import { noiseRoom, type Sound } from '../kit/noise/noise-room.ts';

/*
 * Nights as a sensor in a hall would have recorded them, and what a person with the recording, the rule and a clock on
 * the wall would write down. All in Zurich; a level every ten seconds, averaged over twenty. A loud sample counts once it
 * has stood for ten seconds, until the next; the last one is out of the average after twenty more.
 */

interface Night {
  readonly begins: string;
  readonly rule: readonly [decibels: number, starts: string, ends: string, sustainedS?: number];
  readonly sounds: readonly Sound[];
  /** From, to, peak; the last may still be on. */
  readonly episodes: readonly (readonly [from: string, to: string | undefined, peak: number])[];
}

const hours = (count: number): number => count * 3_600;
const minutes = (count: number): number => count * 60;

const nights: Record<string, Night> = {
  'a steady room, never above its limit': {
    begins: '2026-01-15T20:00:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [[64, hours(12)]],
    episodes: [],
  },
  'a steady room, always above its limit: as long as the quiet hours': {
    begins: '2026-01-15T20:00:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [[67, hours(12)]],
    episodes: [['2026-01-15T21:00:00Z', '2026-01-16T06:00:00Z', 67]],
  },
  'one bang': {
    begins: '2026-01-15T22:00:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [
      [45, minutes(10)],
      [115, 10],
      [45, minutes(30)],
    ],
    episodes: [],
  },
  'a bang every minute for an hour': {
    begins: '2026-01-15T22:00:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: Array.from({ length: 60 }, (): Sound[] => [
      [100, 10],
      [45, 50],
    ]).flat(),
    episodes: [],
  },
  'a party through midnight': {
    begins: '2026-01-15T20:00:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [
      [45, hours(2.5)], // until 23:30
      [80, minutes(20)],
      [86, 10],
      [80, hours(2) - minutes(20) - 10], // until 01:30
      [45, hours(1)],
    ],
    episodes: [['2026-01-15T22:30:10Z', '2026-01-16T00:30:20Z', 86]],
  },
  'a party that was on when the quiet hours began, and one that outlasted them': {
    begins: '2026-01-15T20:00:00Z', // 21:00
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [
      [80, hours(2)], // until 23:00
      [45, hours(7)], // until 06:00
      [80, hours(2)], // until 08:00
    ],
    episodes: [
      ['2026-01-15T21:00:00Z', '2026-01-15T22:00:20Z', 80],
      ['2026-01-16T05:00:10Z', '2026-01-16T06:00:00Z', 80],
    ],
  },
  'a level that wavers about its limit: one episode, not ten': {
    begins: '2026-01-15T22:00:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [
      [45, 60],
      ...Array.from({ length: 10 }, (): Sound[] => [
        [66, 120],
        [63, 120],
      ]).flat(),
      [45, minutes(5)],
    ],
    // Above 65 dB once four fifths of the span are at 66, judged with the second sample; below 62 dB, where an episode
    // ends, once a fifth of it is at 45 instead of 63.
    episodes: [['2026-01-15T22:01:20Z', '2026-01-15T22:41:05Z', 66]],
  },
  'a sensor that is silent for an hour in the middle': {
    begins: '2026-01-15T21:50:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [
      [45, minutes(10)], // until 23:00
      [80, minutes(20)],
      ['silent', hours(1)], // 23:20 to 00:20
      [80, minutes(20)],
      [45, minutes(10)],
    ],
    // A sample stands for two and a half intervals, and half of the span must be known: until 23:20:25.
    episodes: [
      ['2026-01-15T22:00:10Z', '2026-01-15T22:20:25Z', 80],
      ['2026-01-15T23:20:10Z', '2026-01-15T23:40:20Z', 80],
    ],
  },
  'a sensor that is silent for ten minutes in the middle: the same episode': {
    begins: '2026-01-15T21:50:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [
      [45, minutes(10)],
      [80, minutes(20)],
      ['silent', minutes(10)],
      [80, minutes(20)],
      [45, minutes(10)],
    ],
    episodes: [['2026-01-15T22:00:10Z', '2026-01-15T22:50:20Z', 80]],
  },
  'a silent sensor is neither loud nor quiet before a minute is over': {
    begins: '2026-01-15T22:00:00Z',
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [
      [80, 40],
      ['silent', minutes(5)],
      [80, 40],
      [45, minutes(5)],
    ],
    episodes: [],
  },
  'the night that loses an hour': {
    begins: '2026-03-28T20:00:00Z', // 21:00 CET
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [[80, hours(11)]],
    episodes: [['2026-03-28T21:00:00Z', '2026-03-29T05:00:00Z', 80]], // 07:00 CEST: eight hours
  },
  'the night that has an hour twice': {
    begins: '2026-10-24T19:00:00Z', // 21:00 CEST
    rule: [65, '22:00:00', '07:00:00'],
    sounds: [[80, hours(13)]],
    episodes: [['2026-10-24T20:00:00Z', '2026-10-25T06:00:00Z', 80]], // 07:00 CET: ten hours
  },
  'hours within the hour that is lost': {
    begins: '2026-03-29T00:00:00Z',
    rule: [65, '02:15:00', '02:45:00'],
    sounds: [[80, hours(3)]],
    episodes: [],
  },
  'hours within the hour that comes twice': {
    begins: '2026-10-25T00:00:00Z',
    rule: [65, '02:15:00', '02:45:00'],
    sounds: [[80, hours(3)]],
    episodes: [
      ['2026-10-25T00:15:00Z', '2026-10-25T00:45:00Z', 80],
      ['2026-10-25T01:15:00Z', '2026-10-25T01:45:00Z', 80],
    ],
  },
  'a rule that asks for fifteen minutes': {
    begins: '2026-01-15T22:00:00Z',
    rule: [65, '22:00:00', '07:00:00', 900],
    sounds: [
      [45, minutes(5)],
      [80, minutes(14)], // not long enough
      [45, minutes(20)],
      [80, minutes(16)],
      [45, minutes(20)],
    ],
    episodes: [['2026-01-15T22:39:10Z', '2026-01-15T22:55:20Z', 80]],
  },
  'music without a pause is loud where its average is, not where its peaks are': {
    begins: '2026-01-15T22:00:00Z',
    rule: [70, '22:00:00', '07:00:00'],
    // Half at 72, half at 60: 10·lg((10^7.2 + 10^6) / 2) = 69.3 dB
    sounds: Array.from({ length: 60 }, (): Sound[] => [
      [72, 10],
      [60, 10],
    ]).flat(),
    episodes: [],
  },
};

describe('a recorded night', () => {
  it.each(Object.entries(nights))('%s', async (_what, { begins, rule, sounds, episodes }) => {
    const [decibels, starts, ends, sustainedS] = rule;
    const room = await noiseRoom({ startsAt: Date.parse(begins), intervalMs: 10_000 });
    await room.create(decibels, starts, ends, sustainedS && sustainedS * 1_000);
    await room.play(...sounds);
    const told: (readonly [string, string | undefined, number])[] = [];
    for (const { phase, since, until, peak } of room.episodes) {
      // Each is told twice: when it has lasted, and when it is over.
      if (phase === 'began') told.push([iso(since), undefined, peak]);
      else told.splice(-1, 1, [iso(since), until === undefined ? undefined : iso(until), peak]);
    }
    expect(told).toEqual(episodes);
    expect(room.episodes.map(({ phase }) => phase)).toEqual(episodes.flatMap(() => ['began', 'ended']));
  });
});

const iso = (epochMs: number): string => new Date(epochMs).toISOString().replace('.000', '');
