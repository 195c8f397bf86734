import type { ZwaveBolt, ZwaveReport } from '../../../src/contract/index.ts';

/**
 * Some locks say again what they said unasked, 4.2 to 4.5 s later, with a fresh sequence number (zwave-js 9134: a fifth
 * of all that a Schlage BE469ZP says). Repeats were looked for over 12 s there, and none was later.
 */
export const REPEATS_WITHIN_MS = 12_000;

/** Somebody who types a wrong code again needs longer than the lock's own timer, and not much. */
const DENIED_WITHIN_MS = 6_000;

/** What becomes of a report: it is `told`, `dropped` as a repeat, or the lock is to be asked where its bolt is. */
export type ReportUse = 'told' | 'dropped' | 'ask';

interface Said {
  readonly key: string;
  readonly at: number;
}

/**
 * Tells a repeat from news. One that agrees with what is known is dropped; one that contradicts something newer cannot
 * be told from a second movement, so the lock decides: it is asked, and a report that its answer bears out was news.
 * What only makes somebody look, a code that changed, a level, is always told.
 */
export class RepeatFilter {
  #said: readonly Said[] = [];
  /** Where the bolt was last known to be, and since when. */
  #bolt: { readonly bolt: ZwaveBolt; readonly at: number } | undefined;
  #doubted: readonly ZwaveReport[] = [];

  /** @param at `Clock.now()` */
  hear(report: ZwaveReport, at: number): ReportUse {
    const withinMs = windows[report.report];
    if (withinMs === undefined) return 'told';
    this.#said = this.#said.filter((said) => at - said.at < REPEATS_WITHIN_MS);
    const key = JSON.stringify(report);
    const before = this.#said.find((said) => said.key === key && at - said.at < withinMs)?.at;
    const place = placeOf(report);
    const known = this.#bolt;
    if (
      before !== undefined &&
      place !== undefined &&
      known !== undefined &&
      known.at > before &&
      known.bolt !== place
    ) {
      this.#doubted = [...this.#doubted, report];
      return 'ask';
    }
    if (place !== undefined && known?.bolt !== place) this.#bolt = { bolt: place, at };
    // What moves the bolt may be news and repeated in its turn, though it agrees with what is known.
    if (before === undefined || place !== undefined) this.#said = [...this.#said, { key, at }];
    return before === undefined || report.report === 'bolt' ? 'told' : 'dropped';
  }

  /** True when what looks like an answer may be a report of before that is said again right now. */
  mayBeRepeated(bolt: ZwaveBolt, at: number): boolean {
    const key = JSON.stringify({ report: 'bolt', bolt } satisfies ZwaveReport);
    return this.#said.some((said) => said.key === key && at - said.at < REPEATS_WITHIN_MS);
  }

  /** True when nothing that was heard or answered says that the bolt is there. */
  isUnheard(bolt: ZwaveBolt): boolean {
    return this.#bolt?.bolt !== bolt;
  }

  /**
   * The lock was asked, and this was its answer.
   * @returns the last report that it bears out, which was news after all
   */
  answered(bolt: ZwaveBolt, at: number): ZwaveReport | undefined {
    if (this.#bolt?.bolt !== bolt) this.#bolt = { bolt, at };
    const news = this.#doubted.findLast((report) => report.report === 'operated' && placeOf(report) === bolt);
    this.#doubted = [];
    if (news !== undefined) this.#said = [...this.#said, { key: JSON.stringify(news), at }];
    return news;
  }
}

/** Within which time the same words are a repeat, by report; those that are left out are always news. */
const windows: Partial<Record<ZwaveReport['report'], number>> = {
  bolt: REPEATS_WITHIN_MS,
  operated: REPEATS_WITHIN_MS,
  jammed: REPEATS_WITHIN_MS,
  tamper: REPEATS_WITHIN_MS,
  access_denied: DENIED_WITHIN_MS,
};

/** Where a report says that the bolt is; undefined when it says nothing of it. */
export function placeOf(report: ZwaveReport): ZwaveBolt | undefined {
  if (report.report === 'bolt') return report.bolt;
  return report.report === 'operated' ? places[report.operation] : undefined;
}

const places = { locked: 'secured', unlocked: 'unsecured' } as const;
