/*
 * Loaded into a real gateway process before the program: its disk fails at the first sync after SIGUSR2.
 */
import { SqliteStore } from '../../../dist/src/store/sqlite-store.js';
import { WriterFaults } from '../../../dist/src/store/writer-faults.js';

const faults = new WriterFaults();
const { open } = SqliteStore;
SqliteStore.open = (options) => open.call(SqliteStore, { ...options, faults });
process.on('SIGUSR2', () => faults.failNextSync());
