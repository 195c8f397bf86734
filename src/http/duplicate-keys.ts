/**
 * Whether an object somewhere in a JSON text has the same key twice, however it is spelt. Readers differ in which one
 * they take (RFC 8259, section 4), so the text means two things.
 *
 * @param json a text that JSON.parse reads
 */
export function hasDuplicateKeys(json: string): boolean {
  // One set for each object that is open; undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let mayBeKey = false;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '{':
        open.push(new Set());
        mayBeKey = true;
        break;
      case '[':
        open.push(undefined);
        mayBeKey = false;
        break;
      case '}':
      case ']':
        open.pop();
        mayBeKey = false;
        break;
      case ',':
        mayBeKey = open.at(-1) !== undefined;
        break;
      case '"': {
        const end = endOfText(json, at);
        if (mayBeKey) {
          const key = keyOf(json.slice(at, end + 1));
          const keys = open.at(-1);
          if (keys?.has(key)) return true;
          keys?.add(key);
          mayBeKey = false;
        }
        at = end;
      }
    }
  }
  return false;
}

const keyOf = (text: string): string => (text.includes('\\') ? String(JSON.parse(text)) : text.slice(1, -1));

function endOfText(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at += 1;
    else if (json[at] === '"') return at;
  }
  return json.length;
}
