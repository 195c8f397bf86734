/** Topics and filters are UTF-8 strings of at most 65,535 bytes (MQTT 5, section 1.5.4). */
const LONGEST = 65_535;

/** What is wrong with a topic to publish on, in words; undefined when it is well formed (MQTT 5, section 4.7). */
export function topicProblem(topic: string): string | undefined {
  const problem = textProblem(topic);
  if (problem !== undefined) return problem;
  return /[+#]/.test(topic) ? 'a topic to publish on holds no wildcard' : undefined;
}

/** What is wrong with a topic filter, in words; undefined when it is well formed (MQTT 5, section 4.7.1). */
export function filterProblem(filter: string): string | undefined {
  const problem = textProblem(filter);
  if (problem !== undefined) return problem;
  const levels = filter.split('/');
  for (const [index, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || index !== levels.length - 1))
      return 'the wildcard # stands alone in the last level';
    if (level.includes('+') && level !== '+') return 'the wildcard + stands alone in its level';
  }
  return undefined;
}

export const hasWildcard = (filter: string): boolean => /[+#]/.test(filter);

/** Whether a well-formed filter covers a topic. Wildcards in the first level leave topics that begin with $ alone. */
export function matches(filter: string, topic: string): boolean {
  if (filter === topic) return true;
  if (topic.startsWith('$') && (filter.startsWith('+') || filter.startsWith('#'))) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    const actual = levels[index];
    if (actual === undefined || (level !== '+' && level !== actual)) return false;
  }
  return wanted.length === levels.length;
}

function textProblem(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (text.includes('\0')) return 'it holds a NUL character';
  if (Buffer.byteLength(text) > LONGEST) return `it is longer than ${LONGEST} bytes`;
  return undefined;
}
