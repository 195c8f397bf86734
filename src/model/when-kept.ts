import { GatewayError } from '../contract/index.ts';

/** How often what was taken back while it was to be told is told anew. A guess: on a full disk much may be refused. */
const mostTries = 5;

interface Keeping {
  /** See `Store.kept`. */
  kept(): true | Promise<boolean>;
}

/**
 * What is told of the gateway's state, once all of it is on disk: a crash must not undo what somebody was shown. At once
 * where nothing is on its way there. What was refused by the disk is left out: it is told as things are then. A refusal
 * to tell is told no sooner than an answer: it shows as much.
 *
 * @throws GatewayError `storage_unavailable` when the disk goes on refusing
 */
export function whenKept<Told>(keeping: Keeping, tell: () => Told): Told | Promise<Told> {
  const telling = told(tell);
  const kept = keeping.kept();
  return kept === true ? telling() : ifKept(keeping, tell, telling, kept);
}

/**
 * The same for what somebody asked to be done, and what became of it: where it was nothing, since it was done already or
 * cannot be, that shows how things are.
 *
 * @throws GatewayError `storage_unavailable` when what it shows was refused by the disk, and what `ask` throws
 */
export async function askedWhenKept<Answer>(keeping: Keeping, ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    await assertKept(keeping);
    throw error;
  }
}

/** @throws GatewayError `storage_unavailable` when some of what was decided by now is refused by the disk */
export async function assertKept(keeping: Keeping): Promise<void> {
  if (!(await keeping.kept())) throw refused();
}

async function ifKept<Told>(
  keeping: Keeping,
  tell: () => Told,
  first: () => Told,
  kept: Promise<boolean>,
): Promise<Told> {
  let telling = first;
  let isKept = await kept;
  for (let tries = 1; !isKept; tries++) {
    if (tries === mostTries) throw refused();
    telling = told(tell);
    isKept = await keeping.kept();
  }
  return telling();
}

/** The answer as it is now, to be given later, whether it is one or a refusal. */
function told<Told>(tell: () => Told): () => Told {
  try {
    const answer = tell();
    return () => answer;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

const refused = () =>
  new GatewayError(
    'storage_unavailable',
    'The disk that holds the state refuses what this answer would show. Make room there, and ask again.',
    { retryAfterSeconds: 10 },
  );
