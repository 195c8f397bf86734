import fc from 'fast-check';

/**
 * Properties run over the same cases each time, so that only a change of the code can turn the tests red. To look
 * further, `STRIKEPLATE_SEED` takes any whole number; a failing property prints the one it ran with.
 */
fc.configureGlobal({ seed: Number(process.env.STRIKEPLATE_SEED ?? 20_260_328) });

export { fc };
