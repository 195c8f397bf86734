export type { ProtocolVersion, Will } from './broker-connection.ts';
export type { BrokerOptions } from './broker-options.ts';
export { type BrokerTrial, type TrialRequest, tryBroker } from './broker-options.ts';
export type { RetainedCommand } from './command-topics.ts';
export { type CredentialFiles, type Credentials, readCredentials, type TlsMaterial } from './credentials.ts';
export { type EmbeddedBroker, type EmbeddedBrokerOptions, startEmbeddedBroker } from './embedded-broker.ts';
export { MqttTransport, type MqttTransportOptions } from './mqtt-transport.ts';
export { MqttTelemetryClient, type MqttTelemetryOptions, type PublishOptions } from './telemetry-client.ts';
export { matches } from './topic-filter.ts';
