import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { fc } from '../../test/kit/seeded-properties.ts';
import type { DeviceEdit, DeviceEntry } from '../model/reload.ts';
import { deviceEntries, editDevices } from './device-edit.ts';

/** STRIKEPLATE_EDITS asks for more. */
const numRuns = Number(process.env.STRIKEPLATE_EDITS ?? 80);

const edited = (text: string, edit: DeviceEdit) => editDevices('gateway.yaml', text, edit);

const shed = { id: 'shed', name: 'Shed', driver: 'mqtt/bell', link: { mqtt: 'main' }, settings: { topic: 'shed/#1' } };

/** What people write around and into an entry. */
const comment = fc.constantFrom('# plain', '#', '# - id: not one', "# it's: {odd", '#no space', '# devices:');
const words = fc.constantFrom(
  'Front door',
  'Hall',
  'on',
  '1234',
  'a: b',
  'x # y',
  'Zoë’s',
  "it's",
  '"quoted"',
  '{',
  '- d',
);
const scalar = fc.oneof(words, fc.integer(), fc.boolean(), fc.constantFrom('a\nb', '', '~'));
const settings = fc.dictionary(fc.constantFrom('topic', 'unit', 'pin slots', 'model'), scalar, { maxKeys: 3 });

/** An entry in the style of somebody: lines without indentation, and what they mean. */
const written = fc
  .record({
    name: scalar,
    settings: fc.option(settings, { nil: undefined }),
    style: fc.constantFrom('lines', 'braces', 'json', 'quoted', 'folded'),
    note: fc.option(comment, { nil: undefined }),
    inside: fc.array(comment, { maxLength: 2 }),
    after: fc.array(comment, { maxLength: 2 }),
  })
  .map(({ style, note, inside, after, ...rest }) => (id: string) => {
    const entry: DeviceEntry = { id, name: rest.name, ...(rest.settings && { settings: rest.settings }) };
    const eol = note === undefined ? '' : ` ${note}`;
    if (style === 'json' || style === 'braces') {
      const text = JSON.stringify(entry);
      return { entry, lines: [`- ${style === 'json' ? text : text.replaceAll('","', '", "')}${eol}`] };
    }
    const quoted = style === 'quoted' ? JSON.stringify(id) : id;
    const name = typeof rest.name === 'string' ? JSON.stringify(rest.name) : String(rest.name);
    const folded = style === 'folded' && typeof rest.name === 'string' && /^\w[\w ]*$/.test(rest.name);
    const below = Object.entries(rest.settings ?? {}).map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`);
    const lines = [
      `- id: ${quoted}${eol}`,
      ...inside.map((line) => `  ${line}`),
      ...(folded ? ['  name: >-', `    ${String(rest.name)}`] : [`  name: ${name}`]),
      ...(rest.settings === undefined ? [] : below.length === 0 ? ['  settings: {}'] : ['  settings:', ...below]),
      ...after.map((line) => `  ${line}`),
    ];
    return { entry, lines };
  });

interface Written {
  readonly text: string;
  readonly entries: readonly DeviceEntry[];
  /** Where each entry's lines begin and end. */
  readonly spans: readonly (readonly [number, number])[];
}

const file: fc.Arbitrary<Written> = fc
  .record({
    head: fc.array(comment, { maxLength: 2 }),
    indent: fc.constantFrom(0, 2, 4),
    makers: fc.array(written, { minLength: 1, maxLength: 5 }),
    between: fc.array(fc.option(comment, { nil: '' }), { minLength: 5, maxLength: 5 }),
    tail: fc.constantFrom('', '\n# the end', '\nlog: { level: info }  # last\n', '\n\n# log:\n#   level: warn\n'),
    crlf: fc.boolean(),
    bom: fc.boolean(),
    cut: fc.boolean(),
  })
  .map(({ head, indent, makers, between, tail, crlf, bom, cut }) => {
    const space = ' '.repeat(indent);
    const eol = crlf ? '\r\n' : '\n';
    let text = `${bom ? '\uFEFF' : ''}${[...head, 'gateway: { id: lobby }   # kept', '', 'devices:   # all of them'].join(eol)}${eol}`;
    const spans: [number, number][] = [];
    const entries = makers.map((make, index) => {
      const { entry, lines } = make(`d${index}`);
      const before = between[index];
      if (index > 0 && before !== undefined) text += before === '' ? eol : `${space}${before}${eol}`;
      const start = text.length;
      text += lines.map((line) => space + line + eol).join('');
      spans.push([start, text.length]);
      return entry;
    });
    text += tail.replaceAll('\n', eol);
    return { text: cut && tail === '' ? text.slice(0, -eol.length) : text, entries, spans };
  });

const known = (text: string) => deviceEntries('gateway.yaml', text);

/** What two texts have in common from their starts, and from their ends. */
function common(a: string, b: string): { readonly before: number; readonly after: number } {
  let before = 0;
  while (before < Math.min(a.length, b.length) && a[before] === b[before]) before++;
  let after = 0;
  const most = Math.min(a.length, b.length) - before;
  while (after < most && a[a.length - 1 - after] === b[b.length - 1 - after]) after++;
  return { before, after };
}

describe('a device in a configuration file that somebody wrote', () => {
  it('is added, and every character that was there stays, in one piece before and one behind it', () => {
    fc.assert(
      fc.property(file, settings, ({ text, entries }, more) => {
        const entry = { ...shed, settings: { ...shed.settings, ...more } };
        const after = edited(text, { kind: 'add', entry });
        expect(known(after)).toEqual([...entries, entry]);
        const { before, after: behind } = common(text, after);
        expect(before + behind).toBe(text.length);
      }),
      { numRuns },
    );
  });

  it('is removed with its comments; of everything else nothing is missing', () => {
    fc.assert(
      fc.property(file, fc.nat(), ({ text, entries, spans }, pick) => {
        const index = pick % entries.length;
        const after = edited(text, { kind: 'remove', id: `d${index}` });
        expect(known(after)).toEqual(entries.filter((_, at) => at !== index));
        const [start = 0, end = 0] = spans[index] ?? [];
        const rest = text.slice(0, start) + text.slice(end);
        expect(after.replace('devices: []', 'devices:')).toBe(rest);
      }),
      { numRuns },
    );
  });

  it('is changed within its own lines', () => {
    fc.assert(
      fc.property(
        file,
        fc.nat(),
        words,
        fc.option(settings, { nil: null }),
        ({ text, entries, spans }, pick, name, more) => {
          const index = pick % entries.length;
          const old = entries[index] as { settings?: object };
          const after = edited(text, { kind: 'change', id: `d${index}`, changes: { name, settings: more } });
          const { settings: _, ...rest } = old;
          const now =
            more === null
              ? {}
              : Object.keys(more).length + Object.keys(old.settings ?? {}).length === 0 && old.settings === undefined
                ? { settings: {} }
                : { settings: { ...old.settings, ...more } };
          expect(known(after)[index]).toEqual({ ...rest, name, ...now });
          expect(known(after).filter((_, at) => at !== index)).toEqual(entries.filter((_, at) => at !== index));
          const [start = 0, end = 0] = spans[index] ?? [];
          expect(after.startsWith(text.slice(0, start))).toBe(true);
          expect(after.endsWith(text.slice(end))).toBe(true);
        },
      ),
      { numRuns },
    );
  });

  it('goes through any number of changes, and what it says is what was asked for', () => {
    const step = fc.record({ what: fc.constantFrom('add', 'remove', 'change'), pick: fc.nat(), settings });
    fc.assert(
      fc.property(file, fc.array(step, { maxLength: 8 }), ({ text, entries }, steps) => {
        let now = text;
        let wanted = [...entries];
        for (const [number, { what, pick, settings: more }] of steps.entries()) {
          const one = wanted[pick % Math.max(1, wanted.length)];
          if (what === 'add' || one === undefined) {
            const entry = { ...shed, id: `n${number}`, settings: more };
            now = edited(now, { kind: 'add', entry });
            wanted.push(entry);
          } else if (what === 'remove') {
            now = edited(now, { kind: 'remove', id: String(one.id) });
            wanted = wanted.filter((other) => other !== one);
          } else {
            now = edited(now, { kind: 'change', id: String(one.id), changes: { link: more } });
            const link = { ...(one.link as object | undefined), ...more };
            wanted = wanted.map((other) => (other === one ? { ...one, link } : other));
          }
          expect(known(now)).toEqual(wanted);
        }
      }),
      { numRuns: numRuns / 2 },
    );
  });

  it.each([
    ['nothing behind the key', 'gateway: {}\ndevices:\n\n# end\n', 'gateway: {}\ndevices:\n  - id: a\n\n# end\n'],
    ['an empty list', 'devices: [] # none yet\nlog: {}\n', 'devices: # none yet\n  - id: a\nlog: {}\n'],
    ['a null', 'devices: null\n', 'devices:\n  - id: a\n'],
    ['no list at all', 'gateway: {}', 'gateway: {}\ndevices:\n  - id: a'],
    ['brackets', 'devices: [{ id: b }]\n', 'devices: [{ id: b }, { id: a }]\n'],
    ['JSON', '{"devices": []}', '{"devices": [{"id":"a"}]}'],
    [
      'JSON in lines',
      '{\n "devices": [\n  {"id": "b"}\n ]\n}',
      '{\n "devices": [\n  {"id": "b"},\n  {"id":"a"}\n ]\n}',
    ],
    ['an end of the document', 'devices:\n- id: b\n...\n', 'devices:\n- id: b\n- id: a\n...\n'],
  ])('is added where there is %s', (_what, before, after) => {
    expect(edited(before, { kind: 'add', entry: { id: 'a' } })).toBe(after);
  });

  it('keeps the style in which it was written', () => {
    const text = `devices:\n  - { id: b, name: "B", settings: {} } # old\n  - id: c\n    name: "C"   # sea\n    settings:\n      x: 1\n      # of y\n      y: [2]\n`;
    const b = edited(text, { kind: 'change', id: 'b', changes: { name: 'Bee', settings: { x: 2 } } });
    expect(b).toContain('  - { id: b, name: "Bee", settings: { x: 2 } } # old\n');
    const c = edited(text, {
      kind: 'change',
      id: 'c',
      changes: { name: 'Sea', settings: { x: null, z: { on: 'no' } } },
    });
    expect(c).toContain(
      '    name: "Sea"   # sea\n    settings:\n      # of y\n      y: [2]\n      z: { "on": "no" }\n',
    );
  });

  it.each([
    ['is there already', 'devices: [{ id: a }]', { kind: 'add', entry: { id: 'a' } }, /there is a device "a" already/],
    ['is not there', 'devices: [{ id: a }]', { kind: 'remove', id: 'b' }, /no device "b". It has: a\./],
    ['has no id', 'devices: []', { kind: 'add', entry: {} }, /needs a short id/],
    [
      'would get another id',
      'devices: [{ id: a }]',
      { kind: 'change', id: 'a', changes: { id: 'b' } },
      /another device/,
    ],
    ['is there twice', 'devices: [{ id: a }, { id: a }]', { kind: 'remove', id: 'a' }, /"a" twice/],
    [
      'shares what it says',
      'x: &s { t: 1 }\ndevices: [{ id: a, settings: *s }]',
      { kind: 'change', id: 'a', changes: { settings: { t: 2 } } },
      /by hand, and run: strikeplate reload/,
    ],
    [
      'is named elsewhere',
      'devices:\n - &a { id: a }\n - id: b\n   settings: { x: *a }',
      { kind: 'change', id: 'a', changes: { name: 'N' } },
      /by hand/,
    ],
    [
      'stands in a file with a key twice',
      'log: {}\nlog: {}\ndevices: []',
      { kind: 'add', entry: { id: 'a' } },
      /line 2 gives a key twice/,
    ],
    ['stands in no list', 'devices: { a: 1 }', { kind: 'add', entry: { id: 'a' } }, /not written as a list/],
    ['stands in no sections', '- devices', { kind: 'add', entry: { id: 'a' } }, /no list of sections/],
    ['stands in no YAML', 'devices: [', { kind: 'add', entry: { id: 'a' } }, /not valid YAML/],
  ] as const)('is left alone when it %s', (_why, text, edit, message) => {
    expect(() => edited(text, edit)).toThrow(message);
  });

  it('is found in the example of everything, which stays as it is around it', async () => {
    const { readFileSync } = await import('node:fs');
    const text = readFileSync(new URL('../../config/gateway.example.yaml', import.meta.url), 'utf8');
    const { devices } = parse(text) as { devices: { id: string }[] };
    for (const { id } of devices) {
      const without = edited(text, { kind: 'remove', id });
      const { before, after } = common(text, without);
      expect(before + after).toBe(without.length);
    }
    const more = edited(text, { kind: 'add', entry: { ...shed, id: 'gate' } });
    expect(common(text, more).before + common(text, more).after).toBe(text.length);
  });
});
