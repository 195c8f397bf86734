import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';

interface InputOptions {
  readonly type?: 'text' | 'search' | 'date' | 'datetime-local' | 'time' | 'number' | 'email' | 'tel' | 'url';
  readonly maxLength?: number;
  readonly required?: boolean;
  readonly min?: string;
  readonly max?: string;
  readonly step?: string;
  readonly pattern?: string;
  readonly placeholder?: string;
  readonly inputMode?: 'numeric';
  readonly autoComplete?: 'off';
}

/** A field with its name above it. */
export const Field = ({
  label,
  value,
  type = 'text',
  ...rest
}: InputOptions & { readonly label: string; readonly value: Signal<string> }) => (
  <label>
    {label}
    {/* Preact types each kind of field apart; what is given here is the same for all. */}
    <input
      {...({ ...rest, type } as object)}
      value={value.value}
      onInput={(event) => {
        value.value = event.currentTarget.value;
      }}
    />
  </label>
);

export const Choice = ({
  label,
  value,
  children,
}: {
  readonly label: string;
  readonly value: Signal<string>;
  readonly children: ComponentChildren;
}) => (
  <label>
    {label}
    <select
      value={value.value}
      onChange={(event) => {
        value.value = event.currentTarget.value;
      }}
    >
      {children}
    </select>
  </label>
);

/** Several of some: each a line that is pressed. */
export const Several = ({
  legend,
  options,
  chosen,
}: {
  readonly legend: string;
  readonly options: readonly { readonly id: string; readonly name: string }[];
  readonly chosen: Signal<readonly string[]>;
}) => (
  <fieldset class="several">
    <legend>{legend}</legend>
    {options.map(({ id, name }) => (
      <label key={id} class="check">
        <input
          type="checkbox"
          checked={chosen.value.includes(id)}
          onChange={(event) => {
            chosen.value = event.currentTarget.checked
              ? [...chosen.value, id]
              : chosen.value.filter((other) => other !== id);
          }}
        />
        <span>{name}</span>
      </label>
    ))}
  </fieldset>
);
