import type { Logger } from 'pino';
import type { PartialZWaveOptions } from 'zwave-js';

export type ZwaveLogFactory = NonNullable<NonNullable<PartialZWaveOptions['host']>['log']>;

/** Levels of zwave-js whose lines are words; the lower ones (verbose, debug, silly) carry frames, codes included. */
const levels: Readonly<Record<string, 'error' | 'warn' | 'debug'>> = { error: 'error', warn: 'warn', info: 'debug' };

/** Four bytes or more in hexadecimal: the contents of a frame, in whatever message they got. */
const bytes = /\b(?:0x)?(?:[0-9a-f]{2}[ :,]?){4,}\b/gi;

/** Two groups of a DSK or more: its first one is the device's PIN. */
const dsk = /\d{5}(?:-\d{5})+/g;

/**
 * Gives zwave-js a logger that writes into ours. What may hold the bytes of a frame never gets there: levels below
 * `info` and the loggers of the serial line are off whatever our level is, and of objects nothing is printed but the
 * message.
 */
export function zwaveLog(log: Logger): ZwaveLogFactory {
  return () => ({
    getLogger: (label) => ({
      log({ level, message, context }) {
        const ours = levels[String(level)];
        if (ours === undefined || label === 'SERIAL') return;
        const said = Array.isArray(message) ? message.join(' ') : message;
        const words = said.replaceAll(dsk, '(dsk)').replaceAll(bytes, '(bytes)');
        const node = (context as { readonly nodeId?: unknown }).nodeId;
        log[ours]({ zwave: label.trim().toLowerCase(), ...(typeof node === 'number' && { node }) }, words);
      },
    }),
    isLoglevelVisible: (level) => Object.hasOwn(levels, level),
    isNodeLoggingVisible: () => true,
    updateConfiguration: () => undefined,
    getConfiguration: () => ({
      enabled: true,
      level: 'info',
      transports: [],
      logToFile: false,
      maxFiles: 0,
      filename: '',
      forceConsole: false,
    }),
    destroy: () => undefined,
  });
}
