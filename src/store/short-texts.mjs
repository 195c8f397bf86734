// What JSON columns say in nearly every row, as one character of those that JSON never has unescaped (U+0001 to U+001F,
// RFC 8259 section 7): read back it is the same to the last character. Plain JavaScript: the writer's thread uses it as well.
//
// Rows are read for years, so no character is ever given to other words. Tab and line ends stand for nothing, so that what
// is printed by lines stays lines, and U+001F for nothing yet: what comes after it could be more of them.

/** Of an entry of the audit log that tells of an attempt. */
const entryWords = new Map([
  [',"kind":"attempt","by":{"kind":"api_key","api_key_id":"', '\u0001'],
  ['","address":"', '\u0002'],
  ['"},"action_attempt_id":"', '\u0003'],
  ['","action_type":"LOCK_DOOR","device_id":"', '\u0004'],
  ['","action_type":"UNLOCK_DOOR","device_id":"', '\u0005'],
  ['","asked_at":', '\u0008'],
  [',"outcome":"success"}', '\u000b'],
]);

/** Who asked for an attempt. */
const actorWords = new Map([['["api_key","', '\u000c']]);

/** What a door came to, and what events tell beside their type: the whole of a column. */
const wholeColumns = new Map([
  ['{"was_confirmed_by_device":true}', '\u000e'],
  ['{"was_confirmed_by_device":false}', '\u000f'],
  ['{"action_type":"LOCK_DOOR","status":"success"}', '\u0010'],
  ['{"action_type":"UNLOCK_DOOR","status":"success"}', '\u0011'],
  ['{"method":"remote"}', '\u0012'],
]);

/**
 * The history of a door that did as it was asked, with its words by their places (history-column.ts): from one state to
 * the next, and what its evidence was.
 */
const historyWords = new Map([
  [',10],[2,', '\u0013'],
  [',12],[3,', '\u0014'],
  [',13],[4,', '\u0015'],
  [',16,[[', '\u0016'],
  [',22,38,null,null,1],[', '\u0017'],
  [',27,41,44,1],[', '\u0018'],
  [',27,41,45,1],[', '\u0019'],
  [',36,41,44,1],[', '\u001a'],
  [',36,41,45,1],[', '\u001b'],
  [',26,40,43,46,1]]],[7,', '\u001c'],
  [',17],[8,', '\u001d'],
  [',18]]', '\u001e'],
]);

/** @param {string} text */
const literally = (text) => text.replace(/[[\]{}]/g, '\\$&');

/** For each kind of column its own: looking for all words takes three times as long. @param {Map<string, string>} words */
function shortener(words) {
  const any = new RegExp([...words.keys()].map(literally).join('|'), 'g');
  return (/** @type {string} */ json) => json.replace(any, (word) => words.get(word) ?? word);
}

export const shortEntry = shortener(entryWords);
export const shortActor = shortener(actorWords);
export const shortHistory = shortener(historyWords);
/** @param {string} json */
export const shortDetails = (json) => wholeColumns.get(json) ?? json;

const wordOf = new Map(
  [entryWords, actorWords, wholeColumns, historyWords].flatMap((words) =>
    [...words].map(([word, short]) => [short, word]),
  ),
);
const anyShort = new RegExp(`[${[...wordOf.keys()].join('')}]`, 'g');

/** The same back, whichever made it. What earlier versions wrote has none of these characters. @param {string} text */
export const inFull = (text) => text.replace(anyShort, (short) => wordOf.get(short) ?? short);
