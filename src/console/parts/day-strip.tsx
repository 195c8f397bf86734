import { words } from '../languages/index.ts';
import type { Attempt, GatewayEvent } from '../objects.ts';
import { clockTime, now } from '../time.ts';
import { truthOf } from '../truth.ts';

const DAY_MS = 86_400_000;
const WIDTH = 960;

/** One door's day as a strip: what was asked for above the line, what it told below. */
export function DayStrip({
  name,
  from,
  attempts,
  events: happened,
}: {
  readonly name: string;
  /** When the day began, in milliseconds since the Unix epoch. */
  readonly from: number;
  readonly attempts: readonly Attempt[];
  readonly events: readonly GatewayEvent[];
}) {
  const {
    day,
    events: { types: events },
  } = words();
  const x = (iso: string) => Math.round(((Date.parse(iso) - from) / DAY_MS) * WIDTH);
  const told = happened.filter(({ event_type: type }) =>
    /^(lock|device|access_code|strikeplate\.(lock|door))\./.test(type),
  );
  return (
    <figure class="strip">
      <svg viewBox={`0 0 ${WIDTH} 64`} preserveAspectRatio="none" role="img" aria-label={day.label(name)}>
        <line x1="0" y1="32" x2={WIDTH} y2="32" class="axis" />
        {Array.from({ length: 25 }, (_, hour) => (
          <line
            key={hour}
            x1={(hour / 24) * WIDTH}
            x2={(hour / 24) * WIDTH}
            y1={hour % 6 === 0 ? 4 : 28}
            y2={hour % 6 === 0 ? 60 : 36}
            class="hour"
          />
        ))}
        <rect x={x(new Date(now.value).toISOString())} y="0" width={WIDTH} height="64" class="to-come" />
        {attempts.map((attempt) => {
          const { tone } = truthOf(attempt, undefined);
          const { accepted_at: at, action_attempt_id: id } = attempt.action_attempt_history;
          return (
            <path
              key={id}
              class={`mark ${tone}`}
              d={
                tone === 'good'
                  ? `M${x(at)} 10v18`
                  : tone === 'unsure'
                    ? `M${x(at) - 4} 19h8M${x(at)} 10v18`
                    : `M${x(at) - 5} 12l10 14M${x(at) + 5} 12l-10 14`
              }
            >
              <title>{`${clockTime(at)} ${words().types[attempt.action_attempt.action_type] ?? ''}`}</title>
            </path>
          );
        })}
        {told.map(({ event_id: id, event_type: type, occurred_at: at }) => (
          <path key={id} class="mark told" d={`M${x(at)} 38v14`}>
            <title>{`${clockTime(at)} ${events[type] ?? type}`}</title>
          </path>
        ))}
      </svg>
      <div class="hours" aria-hidden="true">
        {['0', '6', '12', '18', '24'].map((hour) => (
          <span key={hour}>{hour}</span>
        ))}
      </div>
    </figure>
  );
}
