import type { Signal } from '@preact/signals';

// Choice picks one of a few values: a row of buttons of which one is pressed.
export function Choice<T extends string>(p: { label: string; value: Signal<T>; options: [value: T, text: string][] }) {
  return (
    <div class="choice" role="group" aria-label={p.label}>
      {p.options.map(([value, text]) => (
        <button
          key={value}
          type="button"
          aria-pressed={p.value.value === value}
          onClick={() => {
            p.value.value = value;
          }}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
