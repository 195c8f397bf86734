import { describe, expect, it } from 'vitest';
import type { Attempt } from './objects.ts';
import { joined, type Page } from './pages.ts';

const page = (ids: string, hasMore: boolean): Page => ({
  attempts: [...ids].map((id) => ({ action_attempt: { action_attempt_id: id } }) as Attempt),
  has_more: hasMore,
});

const idsOf = ({ attempts }: Page) => attempts.map(({ action_attempt }) => action_attempt.action_attempt_id).join('');

describe('pages of attempts, newest first', () => {
  it.each([
    ['nothing new', page('hgf', true), page('hgf', true), page('edc', true), 'hgfedc', true],
    ['nothing new, and no more', page('hgf', true), page('hgf', true), page('ed', false), 'hgfed', false],
    ['two more', page('jih', true), page('hgf', true), page('edc', true), 'jihgfedc', true],
    [
      'as many more as a page holds, which meet',
      page('kji', true),
      page('igf', true),
      page('edc', true),
      'kjigfedc',
      true,
    ],
    [
      'more than a page holds: a gap is not passed over',
      page('zyx', true),
      page('hgf', true),
      page('edc', true),
      'zyx',
      true,
    ],
    [
      'none left, as when there is no error of today any more',
      page('', false),
      page('hgf', true),
      page('edc', true),
      '',
      false,
    ],
    ['all on the first page', page('h', false), page('hgf', true), page('edc', true), 'h', false],
  ])('joins them: %s', (_, newest, shown, further, ids, hasMore) => {
    const whole = joined(newest, shown, further);
    expect([idsOf(whole), whole.has_more]).toEqual([ids, hasMore]);
  });
});
