/* Changes the store's key of a configuration, and kills itself after one step. Started by src/store/rekey.test.ts. */
import { rekey } from '../../../src/cli/rekey.ts';

const [config = '', step = ''] = process.argv.slice(2);
const terminal = { out: () => undefined, err: () => undefined, env: {}, cwd: process.cwd(), isTerminal: false };
await rekey(terminal as never, { config }, (done) => {
  if (done === step) process.kill(process.pid, 'SIGKILL');
});
