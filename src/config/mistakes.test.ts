import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configFolder, good, options } from '../../test/kit/command-line/config-folder.ts';
import { loadConfig } from './load.ts';

/** Each mistake with the exact line a person reads. `good` has 9 lines; what is appended begins in line 10. */
const mistakes: readonly (readonly [what: string, text: string | Buffer, ...problems: string[]])[] = [
  ['no text at all', '', 'gateway.yaml:1:1 (file): must be a group of keys, but is empty.'],
  ['a list', '- a\n', 'gateway.yaml:1:1 (file): must be a group of keys, but is a list.'],
  ['bytes that are no text', Buffer.from([0x61, 0xff, 0xfe]), 'gateway.yaml:1:1 (file): this is not a text in UTF-8.'],
  [
    'a tab',
    'gateway:\n\tid: lobby\n',
    'gateway.yaml:2:1 (file): this is not valid YAML: tabs are not allowed as indentation.',
  ],
  [
    'an open bracket',
    'gateway: { id: lobby\nmqtt: {}\n',
    'gateway.yaml:2:1 (file): this is not valid YAML: flow map in block collection must be sufficiently indented and end with a }.',
  ],
  [
    'two documents',
    `${good}---\n${good}`,
    'gateway.yaml:10:1 (file): a second YAML document begins here; a configuration is one document.',
  ],
  [
    'an alias to nothing',
    `${good}log: *nothing\n`,
    'gateway.yaml:10:6 (file): the alias *nothing has no anchor &nothing before it.',
  ],
  [
    'an alias inside itself',
    `${good}log: &l { level: *l }\n`,
    'gateway.yaml:10:18 (file): the alias *l stands inside what it stands for.',
  ],
  ['a key that is a list', `${good}? [a, b]\n: 1\n`, 'gateway.yaml:10:3 (file): a key must be a plain word.'],
  ['a tag', `${good}log: !secret x\n`, 'gateway.yaml:10:6 (file): this is not valid YAML: unresolved tag: !secret.'],
  [
    'nesting without end',
    '- '.repeat(50_000),
    'gateway.yaml:1:131 (file): nested more than 64 levels deep; no setting lies that deep.',
  ],
  [
    'a file that is no configuration',
    'a'.repeat(5_000_000),
    'gateway.yaml:1:1 (file): this file is larger than 4 MiB, which is more than ten thousand devices take; is it a configuration?',
  ],
  [
    'a key given twice, and a problem elsewhere',
    `${good}log: { level: info }\nlog: { level: loud }\n`,
    'gateway.yaml:11:1 log: this key is given twice; it stands in line 10 already.',
    'gateway.yaml:11:15 log.level: must be one of fatal, error, warn, info, debug, trace, silent.',
  ],
  [
    'events that would go before their webhooks are given up',
    `${good}store: { event_retention_days: 2 }\n`,
    'gateway.yaml:10:32 store.event_retention_days: must be at least 3.',
  ],
  [
    'a key nobody knows',
    `${good}monitor: { mqtt: main, retain: true }\n`,
    'gateway.yaml:10:24 monitor.retain: unknown key; known here: mqtt, base_topic, home_assistant, commands, interval_s.',
  ],
  [
    'a section nothing implements yet',
    `${good}telepathy: {}\n`,
    'gateway.yaml:10:1 telepathy: unknown key; known here: state_dir, gateway, http, store, mqtt, serial, ble, zwave, monitor, doors, webhooks, access_codes, backup, log, drivers, devices, simulation.',
  ],
  [
    'a webhook target that is no network',
    `${good}webhooks: { private_targets: [10.0.0.1] }\n`,
    'gateway.yaml:10:31 webhooks.private_targets.0: must be a network such as 192.168.1.0/24 or fd00::/8.',
  ],
  [
    'an unknown key in the settings of a driver',
    `${good.replace('topic: bell/front', 'topic: bell/front, volume: 11')}`,
    'gateway.yaml:9:36 devices.0.settings.volume: unknown key; known here: topic, unit.',
  ],
  [
    'a setting that is missing, one out of bounds',
    good.replace('topic: bell/front', 'unit: 300'),
    'gateway.yaml:9:5 devices.0.settings.topic: is missing.',
    'gateway.yaml:9:23 devices.0.settings.unit: must be at most 247.',
  ],
  [
    'settings that are missing altogether',
    good.replace('    settings: { topic: bell/front }\n', ''),
    'gateway.yaml:5:5 devices.0.settings.topic: is missing.',
  ],
  [
    'wrong types',
    `${good}http: { port: "80", allow_plaintext: "yes", hold_ms: 0.5, tls: [] }\n`,
    'gateway.yaml:10:15 http.port: must be a number, but is text.',
    'gateway.yaml:10:38 http.allow_plaintext: must be true or false, but is text.',
    'gateway.yaml:10:54 http.hold_ms: must be a whole number.',
    'gateway.yaml:10:64 http.tls: must be a group of keys, but is a list.',
  ],
  [
    'a hold longer than a client waits, a port that is none',
    `${good}http: { hold_ms: 25001, port: 65536 }\n`,
    'gateway.yaml:10:18 http.hold_ms: must be at most 25000.',
    'gateway.yaml:10:31 http.port: must be at most 65535.',
  ],
  [
    'a name that is a number',
    good.replace('Front door', '4'),
    'gateway.yaml:6:11 devices.0.name: must be text, but is a number; put it in quotes.',
  ],
  [
    'a slug with spaces',
    good.replace('id: front', 'id: Front door'),
    'gateway.yaml:5:9 devices.0.id: must be made of lower-case letters, digits, "-" and "_", begin and end with a letter or digit, and have at most 64 characters.',
  ],
  [
    'a zone that does not exist, an offset as a zone',
    `${good.replace('Europe/Zurich', 'Europe/Geneva')}    time_zone: "+01:00"\n`,
    'gateway.yaml:1:47 gateway.time_zone: must be an IANA time zone such as Europe/Zurich or America/Argentina/Buenos_Aires.',
    'gateway.yaml:10:16 devices.0.time_zone: must be an IANA time zone such as Europe/Zurich or America/Argentina/Buenos_Aires.',
  ],
  [
    'a device id that is none',
    `${good}    device_id: front\n`,
    'gateway.yaml:10:16 devices.0.device_id: must be a UUID.',
  ],
  [
    'a kind that does not exist, and keys of another kind',
    ['nose', 'tone', 'voice']
      .map((kind) =>
        good.replace('mqtt/bell', 'mqtt/siren').replace('topic: bell/front', `kind: ${kind}, hertz: 1, pitch: 2`),
      )
      .map((text, index) =>
        index === 0 ? text : text.slice(text.indexOf('  - id')).replaceAll('ront', `ront${index}`),
      )
      .join(''),
    'gateway.yaml:9:23 devices.0.settings.kind: must be one of tone, voice.',
    'gateway.yaml:14:39 devices.1.settings.pitch: unknown key; known here: kind, hertz, words.',
    'gateway.yaml:19:5 devices.2.settings.words: is missing.',
    'gateway.yaml:19:30 devices.2.settings.hertz: unknown key; known here: kind, hertz, words.',
    'gateway.yaml:19:40 devices.2.settings.pitch: unknown key; known here: kind, hertz, words.',
  ],
  [
    'a driver nobody knows, one that cannot be loaded',
    `${good.replace('mqtt/bell', 'mqtt/gong')}${good.slice(good.indexOf('  - id')).replaceAll('ront', 'ack').replace('mqtt/bell', 'mqtt/broken')}`,
    'gateway.yaml:7:13 devices.0.driver: there is no such driver; known are: mqtt/bell, mqtt/siren, serial/line, mqtt/broken.',
    'gateway.yaml:12:13 devices.1.driver: this driver cannot be loaded: The package bell-js is not installed.',
  ],
  [
    'a driver by the name that it had',
    good.replace('mqtt/bell', 'serial/zwave'),
    'gateway.yaml:7:13 devices.0.driver: there is no such driver; it is called zwave/node now.',
  ],
  [
    'a broker nobody knows',
    good.replace('link: { mqtt: main }', 'link: { mqtt: mane }'),
    'gateway.yaml:8:19 devices.0.link.mqtt: "mane" is not known; the section mqtt has: main.',
  ],
  [
    'a link of the wrong kind',
    good.replace('link: { mqtt: main }', 'link: { serial: bus1 }'),
    'gateway.yaml:8:5 devices.0.link: the driver mqtt/bell is reached by mqtt: write { mqtt: NAME }.',
  ],
  [
    'a link with an address it does not have',
    good.replace('link: { mqtt: main }', 'link: { mqtt: main, unit: 2 }'),
    'gateway.yaml:8:25 devices.0.link.unit: unknown key; known here: mqtt.',
  ],
  [
    'a driver whose link cannot be configured',
    good.replace('mqtt/bell', 'serial/line'),
    'gateway.yaml:8:11 devices.0.link: the driver serial/line needs a telepathy link, which cannot be configured yet.',
  ],
  [
    'devices that share id and name',
    good + good.slice(good.indexOf('  - id')).replace('Front door', 'FRONT DOOR').replace('bell/front', 'bell/back'),
    'gateway.yaml:10:9 devices.1.id: devices.0 has this id already.',
    'gateway.yaml:11:11 devices.1.name: devices.0 has this name already.',
  ],
  [
    'one lock under two names',
    good + good.slice(good.indexOf('  - id')).replace('id: front', 'id: back').replace('Front door', 'Back door'),
    'gateway.yaml:10:5 devices.1: this is the same device as devices.0: driver, link and settings are equal.',
  ],
  [
    'one lock under two names, with other settings beside its topic',
    `${good}  - { id: back, name: Back, driver: mqtt/bell, link: { mqtt: main }, settings: { topic: bell/front, unit: 2 } }\n`,
    'gateway.yaml:10:5 devices.1: this is the same device as devices.0: broker and the topic bell/front are equal.',
  ],
  [
    'a device id that is made for another device',
    `${good}  - { id: back, name: Back, driver: mqtt/bell, link: { mqtt: main }, settings: { topic: b }, device_id: 4677e030-97d6-5467-a9ac-d7e6b15b710c }\n`,
    'gateway.yaml:10:105 devices.1.device_id: devices.0 has this device_id already, made of its id.',
  ],
  [
    'a door that has no time to send in',
    `${good}    limits: { door: { send_by_ms: 1500 } }\n`,
    'gateway.yaml:10:35 devices.0.limits.door.send_by_ms: 1500 is too short over MQTT: nothing leaves in the last two seconds, since a broker could keep it for longer. Give at least 2500.',
  ],
  [
    'limits that leave no time for the truth',
    `${good}    limits: { door: { send_by_ms: 9000 }, code: { deadline_ms: 400000 } }\n`,
    "gateway.yaml:10:21 devices.0.limits.door: send_by_ms (9000) must be less than deadline_ms (9000); the driver's own are 5000 and 9000.",
    'gateway.yaml:10:64 devices.0.limits.code.deadline_ms: must be at most 300000.',
  ],
  [
    'a broker that is neither, and one that is both',
    good.replace('devices:', '  none: {}\n  both: { url: "mqtt://b", embedded: { port: 1 } }\ndevices:'),
    'gateway.yaml:4:3 mqtt.none: a broker is either url (one on the network) or embedded (one inside the gateway): one of them is missing.',
    'gateway.yaml:5:3 mqtt.both: a broker is either url (one on the network) or embedded (one inside the gateway): not both.',
  ],
  [
    'addresses that are no brokers',
    good.replace(
      'devices:',
      '  a: { url: "http://b" }\n  b: { url: broker.lan }\n  c: { url: "mqtt://gw:hunter2@b" }\n  d: { url: "mqtt://b/x" }\ndevices:',
    ),
    'gateway.yaml:4:13 mqtt.a.url: must begin with mqtt:// or mqtts://.',
    'gateway.yaml:5:13 mqtt.b.url: must be a URL such as mqtt://192.168.1.5:1883 or mqtts://broker.lan:8883.',
    'gateway.yaml:6:13 mqtt.c.url: must not hold a user name or password; use username and password_file beside it.',
    'gateway.yaml:7:13 mqtt.d.url: must end after the port.',
  ],
  [
    'a password in the file',
    good.replace('"mqtt://127.0.0.1:1883"', '"mqtt://127.0.0.1:1883", password: hunter2'),
    'gateway.yaml:3:41 mqtt.main.password: unknown key; known here: url, username, password_file, ca_file, cert_file, key_file, embedded.',
  ],
  [
    'files that are not there, or belong to something else',
    good.replace(
      '"mqtt://127.0.0.1:1883"',
      '"mqtt://127.0.0.1:1883", username: gw, password_file: mqtt.pw, ca_file: ca.pem',
    ),
    'gateway.yaml:3:70 mqtt.main.password_file: there is no file mqtt.pw.',
    'gateway.yaml:3:79 mqtt.main.ca_file: needs a url that begins with mqtts://.',
    'gateway.yaml:3:88 mqtt.main.ca_file: there is no file ca.pem.',
  ],
  [
    'a monitor on a broker nobody knows, below a wildcard',
    `${good}monitor: { mqtt: mane, base_topic: a/# }\n`,
    'gateway.yaml:10:18 monitor.mqtt: "mane" is not known; the section mqtt has: main.',
    'gateway.yaml:10:36 monitor.base_topic: must not hold the wildcards + and #.',
  ],
  [
    'an open network without TLS and without a key',
    `${good}http: { host: 0.0.0.0, demo_key_file: demo.key }\n`,
    'gateway.yaml:10:15 http.host: others on the network could read the keys and PINs that travel to this address. Set http.tls, or http.allow_plaintext: true when the network is trusted, or listen on 127.0.0.1.',
    'gateway.yaml:10:15 http.host: the network can reach this address, but there is no API key in api-keys. Make one first: strikeplate keys create --name NAME.',
    'gateway.yaml:10:24 http.demo_key_file: a demonstration key is for this machine alone: remove it, or listen on 127.0.0.1.',
  ],
  [
    'certificates that are not there',
    `${good}http: { tls: { cert_file: a.pem, key_file: b.pem } }\n`,
    'gateway.yaml:10:27 http.tls.cert_file: there is no file a.pem.',
    'gateway.yaml:10:44 http.tls.key_file: there is no file b.pem.',
  ],
  [
    'a simulator on a broker whose port nobody knows',
    `${good.replace('url: "mqtt://127.0.0.1:1883"', 'embedded: { port: 0 }')}simulation:\n  - { simulator: mqtt/bell, link: { mqtt: main }, settings: { loud: true } }\n`,
    'gateway.yaml:11:43 simulation.0.link.mqtt: the broker main takes any free port; simulated devices need a fixed one.',
  ],
  [
    'a simulator nobody knows, one with wrong settings',
    `${good}simulation:\n  - { simulator: mqtt/gong, link: { mqtt: main } }\n  - { simulator: mqtt/bell, link: { mqtt: mane }, settings: { loud: 1 } }\n`,
    'gateway.yaml:11:18 simulation.0.simulator: there is no such simulator; known are: mqtt/bell.',
    'gateway.yaml:12:43 simulation.1.link.mqtt: "mane" is not known; the section mqtt has: main.',
    'gateway.yaml:12:69 simulation.1.settings.loud: must be true or false, but is a number.',
  ],
];

describe('a mistake is shown with its place', () => {
  it.each(mistakes)('%s', async (_what, text, ...problems) => {
    expect(await configFolder().problemsOf(text)).toEqual(problems);
  });

  it('a file that is not there', async () => {
    await expect(loadConfig('/nowhere/gateway.yaml', options)).rejects.toThrow(
      '/nowhere/gateway.yaml:1:1 (file): there is no such file.',
    );
  });

  it('a folder', async () => {
    await expect(loadConfig(configFolder().folder, options)).rejects.toThrow(
      '(file): this is a folder; name the file in it.',
    );
  });

  it('a password file that is empty or a folder', async () => {
    const { folder, problemsOf } = configFolder();
    writeFileSync(join(folder, 'empty.pw'), '\n');
    const withFile = (name: string) =>
      good.replace('"mqtt://127.0.0.1:1883"', `"mqtt://127.0.0.1:1883", username: gw, password_file: ${name}`);
    expect(await problemsOf(withFile('empty.pw'))).toEqual([
      'gateway.yaml:3:70 mqtt.main.password_file: the file empty.pw is empty.',
    ]);
    mkdirSync(join(folder, 'dir.pw'));
    expect(await problemsOf(withFile('dir.pw'))).toEqual([
      'gateway.yaml:3:70 mqtt.main.password_file: dir.pw is a folder, not a file.',
    ]);
  });

  it('a port in the environment that is none', async () => {
    for (const port of ['http', '-1', '80.5', '65536'])
      expect(await configFolder().problemsOf(good, { env: { STRIKEPLATE_HTTP_PORT: port } })).toEqual([
        '(environment):1:1 STRIKEPLATE_HTTP_PORT: must be a port number from 0 to 65535.',
      ]);
  });
});
