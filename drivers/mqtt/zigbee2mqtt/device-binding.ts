import { isDeepStrictEqual } from 'node:util';
import type { Clock, MqttLink, MqttMessage, Timer, Unsubscribe } from '../../../src/contract/index.ts';
import {
  type DeviceDirectory,
  isOptimistic,
  type ListedDevice,
  type ListedGroup,
  optionWithoutJson,
  parseDevices,
  parseGone,
  parseGroups,
  parseRename,
} from './bridge-directory.ts';

/** Why the device that the settings name cannot be worked with, although its bridge runs. */
export type BindingProblem =
  /** The bridge lists no such device, and never did. */
  | { readonly kind: 'unknown' }
  /** The bridge listed it before. */
  | { readonly kind: 'removed'; readonly ieeeAddress: string | undefined }
  /** Its name was given to another device. */
  | { readonly kind: 'replaced'; readonly ieeeAddress: string; readonly by: string }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'unsupported' }
  /** The bridge publishes no JSON. */
  | { readonly kind: 'no_json'; readonly option: string };

export interface BindingOptions {
  readonly link: MqttLink;
  readonly clock: Clock;
  readonly baseTopic: string;
  /** As configured: a friendly name or an IEEE address. */
  readonly name: string;
  /** As configured beside a friendly name. */
  readonly ieeeAddress: string | undefined;
}

/** A bridge tells its lists at once: they are retained. A guess with room for a slow broker. */
const listPatienceMs = 1_000;

/** Bytes. What a bridge tells of some hundred devices at once has some megabytes. */
const longestList = 4 << 20;

/** Below the base topic: what a bridge tells of its devices. */
const topicsOfLists = [
  'devices',
  'groups',
  'info',
  'event',
  'response/device/remove',
  'response/device/rename',
] as const;

/** What those who follow it were told last. */
interface Told extends Pick<DeviceBinding, 'name' | 'ieeeAddress' | 'problem' | 'aliases'> {
  readonly isAwaited: boolean;
}

const none: readonly string[] = [];
const nothingTold: Told = { name: '', ieeeAddress: undefined, problem: undefined, aliases: none, isAwaited: true };

const isAddress = (name: string): boolean => /^0x[0-9a-f]{16}$/i.test(name);

/**
 * Which device it is. A name is no device: it may be given to another one while the gateway runs. So the device is
 * bound to its IEEE address from the first list on, and followed when it is renamed.
 */
export class DeviceBinding {
  readonly #options: BindingOptions;
  readonly #subscriptions: Unsubscribe[];
  /** Replaced, never changed. */
  #listeners: readonly (() => void)[] = [];
  /** The bridge told a list, whether the device stands in it or not. */
  #hasList = false;
  #listed: ListedDevice | undefined;
  #listPayload: Buffer | undefined;
  #groups: readonly ListedGroup[] = [];
  #withoutJson: string | undefined;
  #info: Buffer | undefined;
  #ieeeAddress: string | undefined;
  #wasListed = false;
  #name: string;
  #problem: BindingProblem | undefined;
  #patience: Timer | undefined;
  #waited = false;
  #aliases: readonly string[] = none;
  #told: Told = nothingTold;

  constructor(options: BindingOptions) {
    this.#options = options;
    const { link, baseTopic, name, ieeeAddress } = options;
    this.#name = isAddress(name) ? name.toLowerCase() : name;
    this.#ieeeAddress = (isAddress(name) ? name : ieeeAddress)?.toLowerCase();
    this.#subscriptions = [
      link.subscribe(
        topicsOfLists.map((topic) => `${baseTopic}/bridge/${topic}`),
        (message) => {
          if (this.#heard(message)) this.#judge();
        },
        { maxBytes: longestList },
      ),
      link.onStateChange(({ status }) => this.#wait(status === 'up')),
    ];
    this.#takeNews();
    this.#wait(link.state.status === 'up');
  }

  /** What it is called on MQTT now; while the bridge told no list, what the settings call it. */
  get name(): string {
    return this.#name;
  }

  get ieeeAddress(): string | undefined {
    return this.#ieeeAddress;
  }

  get problem(): BindingProblem | undefined {
    return this.#problem;
  }

  /** The device as it is listed; undefined where the bridge told no list. */
  get listed(): ListedDevice | undefined {
    return this.#listed;
  }

  /** Whether the bridge says itself after a command what should be; undefined where it does not tell. */
  get isOptimistic(): boolean | undefined {
    return this.#info && isOptimistic(this.#info, this.#ieeeAddress);
  }

  /** True as long as the bridge may yet tell its list: nothing is commanded meanwhile. */
  get isAwaited(): boolean {
    return !this.#hasList && !this.#waited;
  }

  /** True where the bridge tells no list: neither its name nor its other topics can be checked. */
  get isUnchecked(): boolean {
    return !this.#hasList && this.#waited;
  }

  /** Every name under which the bridge takes commands for the device. None of them for a device that is not ours. */
  get aliases(): readonly string[] {
    return this.#aliases;
  }

  #aliasesNow(): readonly string[] {
    if (this.#problem !== undefined && this.#problem.kind !== 'no_json') return [];
    const address = this.#ieeeAddress;
    const own = address === undefined ? [this.#name] : [this.#name, address];
    const endpoints = this.listed?.endpoints ?? [];
    const groups = this.#groups.flatMap(({ names, members }) => (address && members.has(address) ? names : []));
    if (endpoints.length + groups.length === 0) return own;
    return [...new Set([...own, ...own.flatMap((name) => endpoints.map((one) => `${name}/${one}`)), ...groups])];
  }

  /** Told when name, problem, aliases or what is known of them changed. */
  onChange(listener: () => void): Unsubscribe {
    this.#listeners = this.#listeners.concat(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  /** The bridge said that it knows no device of this name: where it tells no list, that is all there is. */
  refuted(): void {
    if (!this.#hasList) this.#problem = { kind: 'unknown' };
    this.#judge();
  }

  /** The device spoke under this name. */
  heard(): void {
    if (this.#hasList || this.#problem === undefined) return;
    this.#problem = undefined;
    this.#judge();
  }

  close(): void {
    this.#patience?.cancel();
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
    this.#listeners = [];
  }

  #wait(isUp: boolean): void {
    this.#patience?.cancel();
    this.#waited = false;
    if (isUp && !this.#hasList)
      this.#patience = this.#options.clock.setTimer(() => {
        this.#waited = true;
        this.#judge();
      }, listPatienceMs);
    this.#judge();
  }

  /** @returns whether it tells of this device, or of what concerns all: most tell of another one of thousands */
  #heard({ topic, payload, retained }: MqttMessage): boolean {
    switch (topic.slice(this.#options.baseTopic.length + '/bridge/'.length)) {
      case 'devices':
        return this.#heardList(payload);
      case 'groups':
        this.#groups = parseGroups(payload) ?? this.#groups;
        return true;
      case 'info':
        this.#withoutJson = optionWithoutJson(payload);
        this.#info = payload;
        return true;
      case 'response/device/rename':
        return !retained && this.#renamed(payload);
      default:
        return !retained && this.#gone(parseGone(payload));
    }
  }

  #heardList(payload: Buffer): boolean {
    // It comes again with every device that announces itself, and it is long.
    if (this.#listPayload?.equals(payload)) return false;
    const list = parseDevices(payload);
    if (list === undefined) return false;
    this.#patience?.cancel();
    this.#listPayload = payload;
    this.#hasList = true;
    this.#ieeeAddress ??= list.byName.get(this.#options.name)?.ieeeAddress;
    const ours = this.#ieeeAddress === undefined ? undefined : list.byAddress.get(this.#ieeeAddress);
    this.#listed = ours;
    this.#problem = ours === undefined ? this.#missing(list) : problemOf(ours);
    if (ours !== undefined) {
      this.#wasListed = true;
      this.#name = ours.friendlyName;
    }
    return true;
  }

  #missing({ byName }: DeviceDirectory): BindingProblem {
    const address = this.#ieeeAddress;
    const other = byName.get(this.#name) ?? byName.get(this.#options.name);
    if (address !== undefined && other !== undefined)
      return { kind: 'replaced', ieeeAddress: address, by: other.ieeeAddress };
    return this.#wasListed ? { kind: 'removed', ieeeAddress: address } : { kind: 'unknown' };
  }

  #gone(names: readonly string[]): boolean {
    if (!names.includes(this.#name) && !names.includes(this.#ieeeAddress ?? this.#name)) return false;
    this.#listed = undefined;
    this.#listPayload = undefined;
    this.#problem = { kind: 'removed', ieeeAddress: this.#ieeeAddress };
    return true;
  }

  #renamed(payload: Buffer): boolean {
    const renamed = parseRename(payload);
    if (renamed === undefined || (renamed.from !== this.#name && renamed.from !== this.#ieeeAddress)) return false;
    this.#name = renamed.to;
    return true;
  }

  #judge(): void {
    if (this.#problem === undefined || this.#problem.kind === 'no_json')
      this.#problem = this.#withoutJson === undefined ? undefined : { kind: 'no_json', option: this.#withoutJson };
    if (!this.#takeNews()) return;
    for (const listener of this.#listeners) listener();
  }

  /** @returns whether something is another than it was told last */
  #takeNews(): boolean {
    const before = this.#told;
    const aliases = this.#aliasesNow();
    // The same list, as long as it holds the same: whoever follows it sees that at a glance.
    if (!isDeepStrictEqual(aliases, this.#aliases)) this.#aliases = aliases;
    const now: Told = {
      name: this.#name,
      ieeeAddress: this.#ieeeAddress,
      problem: this.#problem,
      aliases: this.#aliases,
      isAwaited: this.isAwaited,
    };
    if (
      before.name === now.name &&
      before.ieeeAddress === now.ieeeAddress &&
      before.aliases === now.aliases &&
      before.isAwaited === now.isAwaited &&
      (before.problem === now.problem || isDeepStrictEqual(before.problem, now.problem))
    )
      return false;
    this.#told = now;
    return true;
  }
}

function problemOf({ isDisabled, isSupported }: ListedDevice): BindingProblem | undefined {
  if (isDisabled) return { kind: 'disabled' };
  return isSupported ? undefined : { kind: 'unsupported' };
}
