import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { words } from '../languages/index.ts';
import { dayName, type Hours, weekdays } from '../weekly-hours.ts';

const OFFICE: Hours = { days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'], from: '08:00', to: '17:00' };

/** Weekdays and hours that come back every week; none: at any hour. */
export function WeeklyHours({ value }: { readonly value: Signal<readonly Hours[]> }) {
  const { codes } = words();
  /** Which line was added last: whoever added it goes on there. */
  const added = useSignal<number | undefined>(undefined);
  const put = (at: number, hours: Hours) => {
    value.value = value.value.with(at, hours);
  };
  return (
    <fieldset class="weekly">
      <legend>{codes.hours}</legend>
      {value.value.length === 0 && <p class="hint">{codes.anyHour}</p>}
      <ul>
        {value.value.map((hours, at) => (
          <Line
            key={at}
            name={codes.hoursNumber(at + 1)}
            hours={hours}
            isNew={added.value === at}
            onChange={(next) => put(at, next)}
            onRemove={() => {
              added.value = undefined;
              value.value = value.value.toSpliced(at, 1);
            }}
          />
        ))}
      </ul>
      <button
        type="button"
        class="small"
        onClick={() => {
          added.value = value.value.length;
          value.value = [...value.value, value.value.length === 0 ? OFFICE : { ...OFFICE, days: [] }];
        }}
      >
        {value.value.length === 0 ? codes.onlyHours : codes.furtherHours}
      </button>
    </fieldset>
  );
}

function Line({
  name,
  hours,
  isNew,
  onChange,
  onRemove,
}: {
  readonly name: string;
  readonly hours: Hours;
  readonly isNew: boolean;
  readonly onChange: (hours: Hours) => void;
  readonly onRemove: () => void;
}) {
  const { noise } = words();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (isNew) first.current?.focus();
  }, [isNew]);
  return (
    <li>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a line of its list. */}
      <div role="group" aria-label={name} class="line">
        <span class="days">
          {weekdays.map((day, index) => (
            <label key={day}>
              <input
                ref={index === 0 ? first : null}
                type="checkbox"
                aria-label={dayName(day, 'long')}
                checked={hours.days.includes(day)}
                onChange={(event) =>
                  onChange({
                    ...hours,
                    days: event.currentTarget.checked
                      ? [...hours.days, day]
                      : hours.days.filter((other) => other !== day),
                  })
                }
              />
              <span>{dayName(day)}</span>
            </label>
          ))}
        </span>
        <label>
          {noise.begins}
          <input
            type="time"
            required
            value={hours.from}
            onInput={(event) => onChange({ ...hours, from: event.currentTarget.value })}
          />
        </label>
        <label>
          {noise.ends}
          <input
            type="time"
            required
            value={hours.to}
            onInput={(event) => onChange({ ...hours, to: event.currentTarget.value })}
          />
        </label>
        <button type="button" class="small" aria-label={`${noise.remove}: ${name}`} onClick={onRemove}>
          {noise.remove}
        </button>
      </div>
    </li>
  );
}
