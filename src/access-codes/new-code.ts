import { type AccessCodeRules, GatewayError, type Secret } from '../contract/index.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { AccessCodeRequest } from '../model/gateway.ts';
import type { AccessCodeRecord, CodeTimes } from '../model/records.ts';
import { type CodeTarget, generateCode } from './code-generator.ts';
import type { CodeRepository } from './code-repository.ts';
import { assertAcceptable } from './code-rules.ts';
import type { Moment } from './wanted.ts';

export interface NewCodeOptions {
  readonly registry: DeviceRegistry;
  readonly repository: CodeRepository;
  /** An unpredictable whole number from 0 up to, but not including, its argument. */
  readonly randomInt: (below: number) => number;
}

/** A door that takes codes. @throws GatewayError `device_not_found`, `unsupported_action` */
export function keypadOf(
  registry: DeviceRegistry,
  deviceId: string,
): { readonly name: string; readonly rules: AccessCodeRules } {
  const device = registry.require(deviceId);
  const { name, capabilities } = device.snapshot;
  if (capabilities.accessCodes) return { name, rules: capabilities.accessCodes };
  throw new GatewayError(
    'unsupported_action',
    device.capabilitiesKnown
      ? `${name} takes no access codes: it has no keypad, or none that can be set.`
      : `${name} could not be opened since the gateway started, so its code rules are not known. Look at its health.`,
  );
}

/** The times of a request, checked. @throws GatewayError `invalid_input` */
export function timesOf({ startsAt, endsAt, hours }: Partial<CodeTimes>, { at, sure }: Moment): CodeTimes {
  const ofWeek = hours && { hours };
  if (startsAt === undefined && endsAt === undefined) return { startsAt: undefined, endsAt: undefined, ...ofWeek };
  if (endsAt === undefined) {
    throw new GatewayError('invalid_input', 'ends_at: a code that starts at a time must also end at one. Give both.');
  }
  const from = startsAt ?? at;
  if (endsAt <= from) throw new GatewayError('invalid_input', 'ends_at: it must be after starts_at.');
  if (sure && endsAt <= at) throw new GatewayError('invalid_input', 'ends_at: it is in the past.');
  return { startsAt: from, endsAt, ...ofWeek };
}

/** The lock as one that digits are chosen for. */
export function targetOf({ registry, repository }: NewCodeOptions, deviceId: string, times: CodeTimes): CodeTarget {
  const { name, rules } = keypadOf(registry, deviceId);
  return { name, rules, isTaken: (code) => repository.duplicateOf(code, deviceId, times) !== undefined };
}

/**
 * The digits of a request, good for every one of the doors, or drawn.
 * @throws GatewayError `invalid_input`, `duplicate_access_code`, `no_space_for_access_code_on_device`
 */
export function chooseDigits(
  options: NewCodeOptions,
  request: AccessCodeRequest,
  targets: readonly CodeTarget[],
): Secret {
  const { code } = request;
  if (!code) return generateCode(targets, request.preferredCodeLength, options.randomInt);
  for (const { name, rules } of targets) assertAcceptable(code, rules, name);
  const target = targets.find(({ isTaken }) => isTaken(code));
  if (target) throw duplicate(target.name);
  return code;
}

export const duplicate = (deviceName: string) =>
  new GatewayError(
    'duplicate_access_code',
    `${deviceName} already has a code with these digits. Choose others, or delete that code first.`,
  );

/** A code as it is first written down. */
export function newRecord(
  repository: CodeRepository,
  about: { readonly accessCodeId: string; readonly deviceId: string; readonly createdAt: number },
  digits: Secret,
  request: AccessCodeRequest,
  times: CodeTimes,
): AccessCodeRecord {
  return {
    ...about,
    ...times,
    name: request.name,
    sealedCode: repository.seal(digits, about),
    status: 'unset',
    removal: undefined,
    placements: [],
    pendingMutations: [],
    errors: [],
    warnings: [],
    scheduledOnDevice: false,
    preferNativeScheduling: request.preferNativeScheduling ?? true,
    oneTimeUse: request.isOneTimeUse ?? false,
    ...(request.maxUses !== undefined && { maxUses: request.maxUses }),
    commonCodeKey: request.commonCodeKey,
    useBackupPool: request.useBackupPool ?? false,
    backup: undefined,
    pulledBackupAccessCodeId: undefined,
    grant: undefined,
  };
}
