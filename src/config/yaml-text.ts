/** Words that other readers of YAML, or older ones, take for something else than text. */
const otherThanText = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** What is read as this very text wherever it stands: at the start of a line, in braces and in brackets. */
const plain = /^(?:\.{0,2}\/)?[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*$/;

/** A text, in quotes where it would be read as something else without. */
export const yamlString = (text: string): string =>
  plain.test(text) && !otherThanText.test(text) ? text : JSON.stringify(text);

/**
 * A value in one line.
 * @param asJson in the style of a file that is written as JSON
 */
export function inOneLine(value: unknown, asJson = false): string {
  if (asJson) return JSON.stringify(value);
  if (typeof value === 'string') return yamlString(value);
  if (Array.isArray(value)) return `[${value.map((item) => inOneLine(item)).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const pairs = Object.entries(value).map(([key, item]) => `${yamlString(key)}: ${inOneLine(item)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

/** An item of a list, one line for each key, and for each key of what `opened` names; without indentation. */
export function asItem(entry: Readonly<Record<string, unknown>>, opened: readonly string[]): string[] {
  const lines = Object.entries(entry).flatMap(([key, value]) => {
    const isOpened = opened.includes(key) && typeof value === 'object' && value !== null && !Array.isArray(value);
    const below = isOpened ? Object.entries(value) : [];
    if (below.length === 0) return [`${yamlString(key)}: ${inOneLine(value)}`];
    return [`${yamlString(key)}:`, ...below.map(([name, item]) => `  ${yamlString(name)}: ${inOneLine(item)}`)];
  });
  return lines.map((line, index) => `${index === 0 ? '- ' : '  '}${line}`);
}
