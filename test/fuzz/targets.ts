import { EventEmitter } from 'node:events';
import { parse } from 'node:querystring';
import { z } from 'zod';
import type { ZWaveNode } from 'zwave-js';
import {
  decodePlain,
  decrypt,
  EncryptedReassembler,
  NukiFrameError,
  PlainReassembler,
} from '../../drivers/ble/nuki/codec.ts';
import * as nukiReplies from '../../drivers/ble/nuki/codec-replies.ts';
import { recognise } from '../../drivers/ble/nuki/recognise.ts';
import {
  OmronFrameError,
  readBatteryLow,
  readBroadcastNoise,
  readSoundSettings,
} from '../../drivers/ble/omron-sound/codec.ts';
import { readAnnouncement } from '../../drivers/mqtt/announced/announcement.ts';
import { complaintAbout } from '../../drivers/mqtt/zigbee2mqtt/bridge-complaint.ts';
import {
  optionWithoutJson,
  parseDevices,
  parseGone,
  parseGroups,
  parseRename,
} from '../../drivers/mqtt/zigbee2mqtt/bridge-directory.ts';
import { parseOnline, parseState } from '../../drivers/mqtt/zigbee2mqtt/codec.ts';
import { readBits, readRegisters, writeCoil, writeRegisters } from '../../drivers/serial/modbus/requests.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { readPlacedYaml } from '../../src/config/yaml-source.ts';
import { type BleAdvertisement, GatewayError } from '../../src/contract/index.ts';
import { templateReader } from '../../src/driver-kit/bounded-json.ts';
import { topicNameProblem } from '../../src/driver-kit/topic-names.ts';
import { addressGroup } from '../../src/http/address-group.ts';
import { parseApiKeys } from '../../src/http/api-key-file.ts';
import { parseJsonBody } from '../../src/http/json-body.ts';
import { pageOf } from '../../src/http/page.ts';
import { queryDecoder, type RawQuery } from '../../src/http/query-string.ts';
import { parameterReader } from '../../src/http/route.ts';
import { PacketReader } from '../../src/transports/mqtt/packet-guard.ts';
import { filterProblem, matches } from '../../src/transports/mqtt/topic-filter.ts';
import { TargetAddresses } from '../../src/transports/webhook/webhook-client.ts';
import { listenTo } from '../../src/transports/zwave/reports.ts';
import { dbusMessages } from './dbus-target.ts';
import { databaseRow } from './row-target.ts';
import { webhookAnswer } from './webhook-target.ts';

/** Something that decodes what others send. */
export interface FuzzTarget {
  /** Throws, or rejects, only when the input shows a fault: what a decoder may say of bad input is caught here. */
  run(input: Buffer): void | Promise<void>;
}

type Refusal = abstract new (...args: never[]) => Error;

/** Runs each reader for itself; it may refuse, in the way it says it does. */
const readers = (refusal: Refusal | undefined, ...all: readonly ((input: Buffer) => unknown)[]): FuzzTarget => ({
  run(input) {
    for (const read of all) {
      try {
        read(input);
      } catch (error) {
        if (refusal === undefined || !(error instanceof refusal)) throw error;
      }
    }
  },
});

const authorization = { authorizationId: 0x01020304, sharedKey: Buffer.alloc(32, 7) };
const unit = { unit: 1, address: 0, replyTimeoutMs: 300 };
const advertisement = (data: Buffer): BleAdvertisement => ({
  address: '54:d2:72:00:00:01',
  addressType: 'public',
  rssi: -60,
  localName: data.toString('latin1'),
  manufacturerData: data,
  serviceUuids: [data.toString('hex')],
  serviceData: [{ uuid: 'a92ee100-5501-11e4-916c-0800200c9a66'.replaceAll('-', ''), data }],
});

const parameters = z.object({
  device_ids: z.array(z.string()).optional(),
  limit: z.number().int().optional(),
  sync: z.boolean().nullish(),
  custom_metadata_has: z.record(z.string(), z.union([z.string(), z.boolean()])).optional(),
});
const decodeQuery = queryDecoder(parameters.shape);
const readParameters = parameterReader(parameters);

/** In pieces of the sizes that its first bytes say, into something that puts them together. */
function inPieces(input: Buffer, push: (piece: Buffer) => void): void {
  const sizes = [...input.subarray(0, 3)].map((byte) => 1 + (byte % 40));
  let at = 3;
  for (let turn = 0; at < input.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    push(input.subarray(at, at + size));
    at += size;
  }
}

function zwaveReports(input: Buffer): void {
  const node = Object.assign(new EventEmitter(), {
    getCCVersion: () => 4,
    getValue: () => input[0],
    getValueMetadata: () => ({ unit: input.toString() }),
  });
  const stop = listenTo(node as unknown as ZWaveNode, {
    tell: () => undefined,
    isBoltAsked: () => false,
    slots: () => 20,
  });
  let args: unknown = input.toString();
  try {
    args = JSON.parse(input.toString());
  } catch {
    // As text, then.
  }
  const change = typeof args === 'object' && args !== null ? args : { newValue: args };
  node.emit('value updated', node, { commandClass: 0x62, property: 'currentMode', ...change });
  node.emit('notification', node, 0x71, args);
  stop();
}

/** What comes in, and who reads it. */
export const targets: Readonly<Record<string, FuzzTarget>> = {
  'zigbee2mqtt-state': readers(undefined, parseState, parseOnline, (input) => complaintAbout('Front Door', input)),
  'zigbee2mqtt-bridge': readers(undefined, parseDevices, parseGroups, optionWithoutJson, parseRename, parseGone),
  'announced-locks': readers(
    Error,
    (input) => readAnnouncement(input, undefined),
    (input) => {
      const [template = '', message = ''] = input.toString().split('\n');
      templateReader(template)(Buffer.from(message));
    },
  ),
  'webhook-targets': readers(undefined, (input) => {
    const address = input.toString();
    const own = new TargetAddresses(['192.168.0.0/16', 'fd00::/8']);
    if (own.isPublic(address) && own.isAllowedPrivately(address)) throw new Error('on the internet and not on it');
  }),
  'mqtt-packets': readers(undefined, (input) => {
    const reader = new PacketReader(
      { limit: 64, oversized: () => undefined, broken: () => undefined },
      () => undefined,
    );
    let passed = 0;
    inPieces(input, (piece) => {
      passed += reader.take(piece).length;
    });
    if (passed > input.length) throw new Error('more came out than went in');
  }),
  'mqtt-topics': readers(undefined, (input) => {
    const [filter = '', topic = ''] = input.toString().split('\n');
    if (filterProblem(filter) === undefined) matches(filter, topic);
    topicNameProblem(topic);
  }),
  'modbus-replies': readers(undefined, (input) => {
    readBits({ ...unit, functionCode: 1, count: 8 }).scan(input);
    readBits({ ...unit, functionCode: 2, count: 3 }).scan(input);
    readRegisters({ ...unit, functionCode: 3, count: 2 }).scan(input);
    writeCoil({ ...unit, word: 0xff00 }).scan(input);
    writeRegisters({ ...unit, words: [1, 2] }).scan(input);
  }),
  'nuki-frames': readers(
    NukiFrameError,
    decodePlain,
    (input) => decrypt(authorization, input),
    (input) => {
      const plain = new PlainReassembler();
      inPieces(input, (piece) => void plain.push(piece));
    },
    (input) => {
      const encrypted = new EncryptedReassembler();
      inPieces(input, (piece) => void encrypted.push(piece));
    },
  ),
  'nuki-replies': readers(
    NukiFrameError,
    ...Object.values<unknown>(nukiReplies).filter(
      (read): read is (payload: Buffer) => unknown => typeof read === 'function',
    ),
  ),
  'ble-advertisements': readers(undefined, (input) => recognise(advertisement(input)), readBroadcastNoise),
  'omron-frames': readers(OmronFrameError, readBatteryLow, readSoundSettings),
  'zwave-reports': readers(undefined, zwaveReports),
  'http-bodies': readers(GatewayError, (input) => readParameters(parseJsonBody(input))),
  'http-queries': readers(GatewayError, (input) =>
    readParameters(decodeQuery({ ...parse(input.toString()) } as RawQuery)),
  ),
  'http-cursors': readers(GatewayError, (input) =>
    pageOf({ route: '/x', url: 'http://x/x', params: { page_cursor: input.toString() } }, () => ['a'], String),
  ),
  'http-addresses': readers(undefined, (input) => addressGroup(input.toString())),
  'api-key-files': readers(GatewayError, (input) => parseApiKeys('keys', input.toString())),
  'dbus-messages': { run: dbusMessages },
  'webhook-answers': { run: webhookAnswer },
  'database-rows': { run: databaseRow },
  yaml: readers(ConfigError, (input) => readPlacedYaml('gateway.yaml', input.toString())),
};
