/** Sentences that tell somebody to ask again, and nothing else. */
const adviceAlone =
  /^(?:(?:wait,? and )?(?:try|ask|lock|unlock|delete|create)(?: for)? (?:it |the code )?again\b|delete it and (?:try|create)\b|look at the door\b|it is tried again while\b)/i;

/**
 * A text without its advice to ask again. Drivers speak to whoever commands a door; where the gateway asks again by
 * itself, nobody else has to.
 */
export const withoutAdvice = (message: string): string =>
  message
    .split(/(?<=[.!?])\s+/)
    .map((sentence) =>
      sentence.replace(/^Try again; if/, 'If').replace(/(?:, and|;| and) (?:try|ask) (?:it )?again[^.]*(?=\.)/i, ''),
    )
    .filter((sentence) => !adviceAlone.test(sentence))
    .join(' ');
