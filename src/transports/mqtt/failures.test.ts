import { describe, expect, it } from 'vitest';
import { connackFailure, disconnectFailure, socketFailure } from './failures.ts';

const place = (scheme: 'mqtt' | 'mqtts') => ({
  name: 'main',
  address: { host: 'broker.lan', port: 1883, tls: scheme === 'mqtts', shown: `${scheme}://broker.lan:1883` },
  username: 'gw',
});
const coded = (code: string) => Object.assign(new Error('the system’s own words'), { code });

describe('what a person is told', () => {
  it.each([
    ['ECONNREFUSED', 'broker_unreachable', 'Nothing listens at mqtt://broker.lan:1883'],
    ['ENOTFOUND', 'host_not_found', 'broker.lan is not known'],
    ['EAI_AGAIN', 'host_not_found', 'Check DNS'],
    ['ETIMEDOUT', 'broker_unreachable', 'does not answer'],
    ['EHOSTUNREACH', 'network_unreachable', 'EHOSTUNREACH'],
    ['ENETUNREACH', 'network_unreachable', 'ENETUNREACH'],
    ['ECONNRESET', 'connection_lost', 'ECONNRESET'],
    ['EMFILE', 'connection_failed', 'EMFILE'],
    ['CERT_HAS_EXPIRED', 'connection_failed', 'CERT_HAS_EXPIRED'],
  ])('%s without TLS: %s', (code, reason, hint) => {
    expect(socketFailure(coded(code), place('mqtt'))).toMatchObject({ reason, hint: expect.stringContaining(hint) });
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'not valid today'],
    ['CERT_NOT_YET_VALID', 'this machine’s date'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'made for another name'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'mqtt.main.ca_file'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'mqtt.main.ca_file'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'mqtt.main.ca_file'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'mqtt.main.ca_file'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'does not speak TLS'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'mqtt.main.cert_file'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'TLS with mqtts://broker.lan:1883 failed'],
  ])('%s with TLS', (code, hint) => {
    const failure = socketFailure(coded(code), place('mqtts'));
    expect(failure).toMatchObject({ reason: 'tls_failed', hint: expect.stringContaining(hint) });
  });

  it.each([
    [0x01, 'version_refused', true],
    [0x84, 'version_refused', true],
    [0x02, 'client_id_refused', false],
    [0x85, 'client_id_refused', false],
    [0x03, 'refused', false],
    [0x04, 'credentials_refused', false],
    [0x05, 'credentials_refused', false],
    [0x86, 'credentials_refused', false],
    [0x87, 'credentials_refused', false],
    [0x88, 'refused', false],
  ])('CONNACK %i: %s', (code, reason, versionRefused) => {
    expect(connackFailure(code, place('mqtt'))).toMatchObject({ reason, versionRefused });
  });

  it.each([
    [0x8e, 'session_taken_over'],
    [0x8b, 'broker_stopped'],
    [0x93, 'disconnected'],
  ])('DISCONNECT %i: %s', (code, reason) => {
    expect(disconnectFailure(code, place('mqtt')).reason).toBe(reason);
  });

  it('never repeats the words of the system or the broker', () => {
    expect(socketFailure(coded('EOTHER'), place('mqtts')).hint).not.toContain('own words');
  });
});
