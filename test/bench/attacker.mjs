// A neighbour who means no good, in a process of its own. Each attack goes on until it is told to stop.
import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { answer, settings } from './helper.mjs';
import { connect as connectMqtt } from './mqtt-client.mjs';

const { brokerUrl, protocolVersion, base } = settings();

/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();
/** @type {import('mqtt').MqttClient | undefined} */
let publisher;
let going = false;
const counts = { opened: 0, refused: 0, closed: 0, answered: 0, published: 0 };

/** @param {{ host: string, port: number, localAddress?: string }} at */
function dial(at) {
  const socket = connectTcp(at);
  sockets.add(socket);
  socket.on('connect', () => {
    counts.opened += 1;
  });
  socket.on('error', () => {
    counts.refused += 1;
  });
  socket.on('close', () => {
    counts.closed += 1;
    sockets.delete(socket);
  });
  socket.on('data', () => {
    counts.answered += 1;
  });
  return socket;
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Keeps so many connections open and does something with each, again and again.
 * @param {any} at @param {(socket: import('node:net').Socket) => void} first
 */
async function hold({ connections, host, port, localAddress, againMs = 0 }, first) {
  while (going) {
    for (let opened = 0; sockets.size < connections && opened < 200; opened++) {
      const socket = dial({ host, port, ...(localAddress && { localAddress }) });
      socket.on('connect', () => first(socket));
    }
    await pause(20);
    if (againMs > 0) {
      await pause(againMs);
      for (const socket of sockets) if (socket.writable) first(socket);
    }
  }
}

/** What a TLS client says first. */
const hello = () =>
  new Promise((resolve) => {
    const wire = new Duplex({ read: () => undefined, write: (bytes) => resolve(bytes) });
    connectTls({ socket: wire }).on('error', () => undefined);
  });

const health = 'GET /health HTTP/1.1\r\nHost: g\r\n\r\n';

/** @type {Record<string, (details: any) => Promise<void>>} */
const attacks = {
  /** Connections that say nothing, whatever is spoken there. */
  silent: (details) => hold(details, () => undefined),
  /** As silent, for longer than a handshake or a request may take; then they are gone. */
  silentAndGone: async ({ connections, host, port, ms }) => {
    for (let index = 0; index < connections; index++) {
      dial({ host, port });
      if (index % 50 === 49) await pause(10);
    }
    await pause(ms);
    for (const socket of sockets) socket.destroy();
    await pause(2_000);
  },
  /** TLS handshakes to their end, one after the other. */
  handshakes: (details) =>
    hold(details, (socket) => {
      const secure = connectTls({ socket, rejectUnauthorized: false });
      secure.on('error', () => undefined);
      secure.on('secureConnect', () => {
        counts.answered += 1;
        secure.destroy();
      });
    }),
  /** TLS handshakes begun, and left with the answer. */
  hellos: async (details) => {
    const bytes = await hello();
    await hold(details, (socket) => {
      socket.write(bytes);
      socket.on('data', () => socket.destroy());
    });
  },
  /** Kept alive by asking what anybody may ask. */
  health: (details) => hold(details, (socket) => void socket.write(health)),
  /** As fast as it is answered. */
  flood: ({ connections, host, port, path, key }) => {
    const authorization = key === undefined ? '' : `Authorization: Bearer ${key}\r\n`;
    const request = `GET ${path} HTTP/1.1\r\nHost: g\r\n${authorization}\r\n`;
    return hold({ connections, host, port }, (socket) => {
      let text = '';
      socket.setEncoding('latin1');
      socket.on('data', (chunk) => {
        text = (text + chunk).slice(-20);
        if (going && text.endsWith('}')) socket.write(request);
      });
      socket.write(request);
    });
  },
  /** Half a request, and the client's side closed. */
  half: (details) =>
    hold(details, (socket) => void socket.end('POST /locks/unlock_door HTTP/1.1\r\nHost: g\r\nContent-Le')),
  /** A byte of a header now and then. */
  slow: (details) =>
    hold(
      { ...details, againMs: 2_000 },
      (socket) => void socket.write(socket.bytesWritten === 0 ? 'GET /health HTTP/1.1\r\nX: ' : 'a'),
    ),
  /** Numbers on a topic, as many a second as told. */
  publish: async ({ topic, payload, perSecond }) => {
    publisher = await connectMqtt(brokerUrl, protocolVersion);
    const from = performance.now();
    let sent = 0;
    while (going) {
      const due = Math.floor(((performance.now() - from) / 1_000) * perSecond);
      for (; sent < due; sent++)
        publisher.publish(`${base}/${topic}`, payload.replaceAll('NUMBER', String(50 + (sent % 30))));
      counts.published = sent;
      await pause(5);
    }
  },
  /** One message of so many bytes, which the broker keeps. */
  large: async ({ topic, bytes, retain }) => {
    publisher = await connectMqtt(brokerUrl, protocolVersion);
    const payload = Buffer.alloc(bytes, '{"noise":50,"a":"'.padEnd(1_000, 'x'));
    await publisher.publishAsync(`${base}/${topic}`, payload, { qos: 1, retain });
    counts.published += 1;
  },
};

answer({
  begin: ({ attack, ...details }) => {
    going = true;
    attacks[attack]?.(details).catch((error) => process.stderr.write(`${error.stack}\n`));
  },
  finished: async ({ attack, ...details }) => {
    going = true;
    await attacks[attack]?.(details);
  },
  counts: () => ({ ...counts, open: sockets.size }),
  end: async () => {
    going = false;
    for (const socket of sockets) socket.destroy();
    await publisher?.endAsync(true);
  },
});
