import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetched, fetchedNode } from './fetched.ts';

/** The releases that are measured: of others the figures in the documentation say nothing. */
const nodeRed = ['node-red@5.0.7'];
const restate = ['@restatedev/restate-server-linux-x64@1.7.12', '@restatedev/restate-sdk@1.17.2'];
/** Named here and not where they are loaded: they are no dependencies. Node-RED brings its web server along. */
const ofNodeRed = { library: 'node-red', webServer: 'express' };
const ofRestate = { sdk: '@restatedev/restate-sdk' };
/** Node-RED 5 names it (package.json, engines), Restate's library calls what Node 20 does not have. */
const oldestNode = 22;

export interface PeerPlace {
  readonly brokerUrl: string;
  readonly protocolVersion: 4 | 5;
  readonly base: string;
  readonly devices: number;
  /** Of the run; each keeps what it keeps below it. */
  readonly folder: string;
  /** On this machine, free: the first is where its doors are asked for. */
  readonly ports: readonly [number, number, number, number];
  /** The version of Node that the run asked for; the bench's own unless given. */
  readonly nodeVersion: string | undefined;
}

/** How one is started by HelperProcess. */
export interface PeerStart {
  readonly file: string;
  readonly settings: object;
  /** The Node that runs it; this one unless given. */
  readonly node: string | undefined;
}

export function nodeRedAt(place: PeerPlace): PeerStart {
  const { brokerUrl: url, protocolVersion, base, ports } = place;
  const userDir = join(place.folder, 'node-red');
  mkdirSync(userDir, { recursive: true });
  return {
    file: 'node-red.mjs',
    settings: { folder: fetched(nodeRed), ...ofNodeRed, userDir, url, protocolVersion, base, port: ports[0] },
    node: nodeFor(place),
  };
}

export function restateAt(place: PeerPlace): PeerStart {
  const { brokerUrl: url, protocolVersion, base, devices } = place;
  const [port, adminPort, nodePort, servicePort] = place.ports;
  const stateDir = join(place.folder, 'restate');
  mkdirSync(stateDir, { recursive: true });
  const at = { stateDir, url, protocolVersion, base, devices, port, adminPort, nodePort, servicePort };
  return {
    file: 'restate.mjs',
    settings: { folder: fetched(restate), ...ofRestate, ...at },
    node: nodeFor(place),
  };
}

/** That of the run, unless it is too old. */
function nodeFor({ nodeVersion }: PeerPlace): string | undefined {
  const major = Number((nodeVersion ?? process.versions.node).split('.')[0]);
  if (major < oldestNode) return fetchedNode(`${oldestNode}`);
  return nodeVersion === undefined ? undefined : fetchedNode(nodeVersion);
}
