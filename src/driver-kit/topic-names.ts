/**
 * What is wrong with a name that becomes levels of an MQTT topic, in words; undefined when nothing is. A name is typed
 * by a person and must be what the bridge has, so what cannot be told apart by eye is refused, too.
 */
export function topicNameProblem(name: string): string | undefined {
  // Nearly all are: a building has thousands of names, and each is read more than once.
  if (/^[a-z\d_-]+(?:[ /][a-z\d_-]+)*$/i.test(name)) return undefined;
  if (name === '') return 'must not be empty';
  if (/[+#]/.test(name)) return 'may not contain + or #, which are wildcards in MQTT';
  if (/\p{Cc}/u.test(name)) return 'may not contain control characters';
  if (name.startsWith('/') || name.endsWith('/') || name.includes('//'))
    return 'may not begin or end with /, nor have an empty level';
  if (name.startsWith('$')) return 'may not begin with $: such topics are the broker’s own ($SYS)';
  for (const level of name.split('/'))
    if (level !== level.trim()) return 'may not have blanks at the beginning or the end of a level';
  const invisible = /[\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.exec(name)?.[0];
  if (invisible !== undefined) return `contains U+${codePoint(invisible)}, which cannot be seen: type the name anew`;
  if (name !== name.normalize('NFC'))
    return 'contains accents as characters of their own (not in Unicode form NFC): type the name anew';
  for (const word of name.split(/[^\p{L}\p{M}]+/u)) {
    const scripts = scriptsThatLookAlike.filter((script) => script.pattern.test(word));
    const [one, other] = scripts;
    if (one !== undefined && other !== undefined)
      return `mixes ${one.name} and ${other.name} letters in "${word}", which look alike: type the name anew`;
  }
  return undefined;
}

/** Alphabets with letters that cannot be told apart by eye (Unicode Technical Standard 39, section 5.1). */
const scriptsThatLookAlike = [
  { name: 'Latin', pattern: /\p{Script=Latin}/u },
  { name: 'Cyrillic', pattern: /\p{Script=Cyrillic}/u },
  { name: 'Greek', pattern: /\p{Script=Greek}/u },
  { name: 'Armenian', pattern: /\p{Script=Armenian}/u },
  { name: 'Cherokee', pattern: /\p{Script=Cherokee}/u },
] as const;

const codePoint = (character: string): string =>
  (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
