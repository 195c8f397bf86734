import { describe, expect, it } from 'vitest';
import { fc } from '../../../test/kit/seeded-properties.ts';
import { filterProblem, matches, topicProblem } from './topic-filter.ts';

describe('matches', () => {
  // The examples of MQTT 5, sections 4.7.1.2, 4.7.1.3 and 4.7.2.
  it.each([
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/tennis/player1/#', 'sport/tennis/player2', false],
    ['sport/#', 'sport', true],
    ['#', 'sport/tennis', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/broker/clients', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/broker', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
    ['ACCOUNTS', 'Accounts', false],
    ['a', 'a/b', false],
    ['a/b', 'a', false],
    ['a//b', 'a//b', true],
    ['a/+/b', 'a//b', true],
  ])('%s and %s: %s', (filter, topic, expected) => {
    expect(matches(filter, topic)).toBe(expected);
  });

  it('agrees with a regular expression made from the filter', () => {
    const level = fc.constantFrom('', 'a', 'b', 'front door', '$x', '.*');
    const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const filters = fc
      .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
      .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
    const expression = (filter: string) => {
      const pattern = filter
        .split('/')
        .map((part) => (part === '+' ? '[^/]*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
        .join('/')
        .replace(/\/#$/, '(/.*)?')
        .replace(/^#$/, '.*');
      return new RegExp(`^${/^(\+|#)/.test(filter) ? '(?!\\$)' : ''}${pattern}$`);
    };
    fc.assert(
      fc.property(filters, topics, (filter, topic) => matches(filter, topic) === expression(filter).test(topic)),
    );
  });
});

describe('problems', () => {
  it.each(['#', '+', 'a/#', '+/a/#', 'a/+/b', '/', 'a b/ö'])('accepts the filter %s', (filter) => {
    expect(filterProblem(filter)).toBeUndefined();
  });

  it.each(['', 'a#', 'a/#/b', 'a/b#', 'a+', 'a/+b/c', 'a\0b'])('refuses the filter %j', (filter) => {
    expect(filterProblem(filter)).toBeTypeOf('string');
  });

  it.each(['', 'a/+', '#', 'a\0', 'x'.repeat(65_536)])('refuses to publish on %j', (topic) => {
    expect(topicProblem(topic)).toBeTypeOf('string');
  });

  it('accepts a topic with spaces and empty levels', () => {
    expect(topicProblem('zigbee2mqtt/Front Door//set')).toBeUndefined();
  });
});
