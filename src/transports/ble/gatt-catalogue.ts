import {
  type Characteristic,
  forgetServices,
  type Noble,
  type Peripheral,
  type RawCharacteristic,
  type RawService,
  type Service,
  takesServices,
  untyped,
} from './noble.ts';

/** Characteristics by UUID, by the UUID of their service. */
export type FoundServices = ReadonlyMap<string, ReadonlyMap<string, Characteristic>>;

interface Remembered {
  readonly service: RawService;
  readonly characteristics: readonly RawCharacteristic[];
}

type Done = (error: unknown, found: FoundServices | undefined) => void;

/**
 * Finds a device's services, and remembers where they were: the next connection spends no round trips on it. What is
 * remembered is forgotten with the first request the device leaves unanswered, since an update may move things.
 */
export class GattCatalogue {
  readonly #known = new Map<string, ReadonlyMap<string, Remembered>>();

  forget(address: string): void {
    this.#known.delete(address);
  }

  /** Finds those of `wanted` that the device has. */
  find(noble: Noble, peripheral: Peripheral, wanted: readonly string[], done: Done): void {
    const known = this.#known.get(peripheral.address);
    if (known !== undefined && wanted.every((uuid) => known.has(uuid)) && takesServices(noble)) {
      done(undefined, recall(noble, peripheral, wanted, known));
      return;
    }
    this.#discover(peripheral, wanted, done);
  }

  #discover(peripheral: Peripheral, wanted: readonly string[], done: Done): void {
    const remembered = new Map<string, Remembered>();
    const raw = new Map<string, RawService>();
    peripheral.once('servicesDiscovered', (_peripheral: Peripheral, services: readonly RawService[]) => {
      for (const service of services) if (typeof service === 'object') raw.set(service.uuid, service);
    });
    peripheral.discoverServices([...wanted], (error, services) => {
      if (error) {
        done(error, undefined);
        return;
      }
      const found = new Map<string, ReadonlyMap<string, Characteristic>>();
      const rest = [...services];
      const next = () => {
        const service = rest.shift();
        if (service === undefined) {
          this.#known.set(peripheral.address, remembered);
          done(undefined, found);
          return;
        }
        discoverIn(service, (failure, characteristics, rawCharacteristics) => {
          if (failure) {
            done(failure, undefined);
            return;
          }
          found.set(service.uuid, byUuid(characteristics));
          remembered.set(service.uuid, {
            service: raw.get(service.uuid) ?? { uuid: service.uuid },
            characteristics: rawCharacteristics,
          });
          next();
        });
      };
      next();
    });
  }
}

function discoverIn(
  service: Service,
  done: (error: unknown, found: readonly Characteristic[], raw: readonly RawCharacteristic[]) => void,
): void {
  let raw: readonly RawCharacteristic[] = [];
  service.once('characteristicsDiscovered' as 'characteristicsDiscover', (found: unknown) => {
    raw = found as readonly RawCharacteristic[];
  });
  service.discoverCharacteristics([], (error, characteristics) => done(error, characteristics, raw));
}

/** Gives noble what it found on an earlier connection, as if it had found it again. */
function recall(
  noble: Noble,
  peripheral: Peripheral,
  wanted: readonly string[],
  known: ReadonlyMap<string, Remembered>,
): FoundServices {
  forgetServices(peripheral);
  const found = new Map<string, ReadonlyMap<string, Characteristic>>();
  for (const uuid of wanted) {
    const remembered = known.get(uuid);
    if (remembered === undefined) continue;
    untyped(noble).addServices(peripheral.id, [remembered.service]);
    const characteristics = untyped(noble).addCharacteristics(peripheral.id, uuid, remembered.characteristics);
    found.set(uuid, byUuid(characteristics as readonly Characteristic[]));
  }
  return found;
}

const byUuid = (characteristics: readonly Characteristic[]): ReadonlyMap<string, Characteristic> =>
  new Map(characteristics.map((characteristic) => [characteristic.uuid, characteristic]));
