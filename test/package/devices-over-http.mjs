// devices-over-http.mjs refused|taken: adds a door over HTTP, and takes it away again where that was taken. Says what was wrong.
import { readFileSync } from 'node:fs';
import process from 'node:process';

const [, , wanted] = process.argv;
const key = readFileSync('/var/lib/strikeplate/cli.key', 'utf8').trim();
const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
const text = () => readFileSync('/etc/strikeplate/gateway.yaml', 'utf8');

/** @param {string} what @param {object} parameters */
const ask = async (what, parameters) => {
  const url = `http://127.0.0.1:8080/strikeplate/configuration/devices/${what}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(parameters) });
  return { status: answer.status, said: await answer.text() };
};

const before = text();
const device = {
  id: 'late',
  name: 'Late door',
  driver: 'mqtt/zigbee2mqtt',
  link: { mqtt: 'main' },
  settings: { friendly_name: 'Late' },
};
const added = await ask('add', { device });
const isWritten = text().includes('Late door');
if ((added.status === 200) !== (wanted === 'taken') || isWritten !== (wanted === 'taken'))
  throw new Error(`adding was to be ${wanted}: ${added.status} ${added.said}`);
if (wanted === 'taken') {
  const removed = await ask('remove', { id: 'late' });
  if (removed.status !== 200 || text().includes('Late door'))
    throw new Error(`removing: ${removed.status} ${removed.said}`);
} else if (text() !== before) throw new Error('the file was changed');
