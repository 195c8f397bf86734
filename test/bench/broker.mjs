// The embedded broker, in a process of its own: for machines without mosquitto.
import { pino } from 'pino';
import { startEmbeddedBroker } from '../../dist/src/transports/mqtt/index.js';
import { answer } from './helper.mjs';

const broker = startEmbeddedBroker({ port: 0, log: pino({ level: 'silent' }) });
answer({ address: async () => (await broker).url });
