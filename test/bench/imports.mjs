// What a gateway is made of, loaded and left alone.
import { answer, settings } from './helper.mjs';

const { root, files } = settings();
for (const file of files) await import(`${root}/dist/${file}`);
answer({});
