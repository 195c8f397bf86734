/** JSON in which bytes stand as `{"hex": "…"}`, so that a corpus of texts holds values with bytes. What is no JSON is text. */
export function parseMarked(text: string): unknown {
  try {
    return JSON.parse(text, (_name, value: unknown) => {
      const isMarked = typeof value === 'object' && value !== null && Object.keys(value).join() === 'hex';
      return isMarked ? Buffer.from(String(Reflect.get(value, 'hex')), 'hex') : value;
    });
  } catch {
    return text;
  }
}
