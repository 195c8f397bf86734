/** Numbers that are reproducible: a finding is repeated with its seed. (mulberry32, by Tommy Ettinger, public domain.) */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** What decoders of text and of bytes both stumble over. */
const words: readonly Buffer[] = [
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    ':',
    ',',
    '\\',
    '\\u0000',
    '\\ud800',
    'null',
    'true',
    '-',
    '0',
    '1e999',
    '-0',
    '.5',
    'NaN',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '{"a":',
    '[[[[',
    '99999999999999999999',
    '\u0000',
    '\ufeff',
    '\u2028',
    '\r\n',
  ],
  ...['&', '*a', '&a', '<<', '!!', '---', '- ', '%', '%00', '=', '?', ';', '/', '+', '#', '../'],
].map((word) => Buffer.from(word));
const values = [0, 1, 2, 0x10, 0x7f, 0x80, 0xfe, 0xff];
const LONGEST = 4_096;

/** Another input, made of one by a few changes, or of two. */
export function mutate(input: Buffer, other: Buffer, below: (below: number) => number): Buffer {
  let bytes: Buffer = Buffer.from(input);
  const changes = 1 + below(4);
  for (let change = 0; change < changes; change++) bytes = changed(bytes, other, below);
  return bytes.subarray(0, LONGEST);
}

function changed(bytes: Buffer, other: Buffer, below: (below: number) => number): Buffer {
  const at = below(bytes.length + 1);
  const length = 1 + below(8);
  switch (below(9)) {
    case 0:
      return withByte(bytes, at, (byte) => byte ^ (1 << below(8)));
    case 1:
      return withByte(bytes, at, () => values[below(values.length)] ?? 0);
    case 2:
      return withByte(bytes, at, (byte) => byte + below(9) - 4);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), words[below(words.length)] ?? bytes, bytes.subarray(at)]);
    case 6:
      return bytes.subarray(0, at);
    case 7:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(below(other.length + 1))]);
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.alloc(1 + below(64), below(256)), bytes.subarray(at)]);
  }
}

function withByte(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = change(copy[at % copy.length] ?? 0) & 0xff;
  return copy;
}
