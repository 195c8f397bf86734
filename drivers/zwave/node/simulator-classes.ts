import { DoorLockMode, DoorLockOperationType, UserCredentialType } from '@zwave-js/cc';
import { CommandClasses } from '@zwave-js/core';
import type { SimulatedLockSettings } from './simulator-settings.ts';

/** CC:0071, Access Control. */
export const ACCESS_CONTROL = 0x06;
export const event = {
  manualLock: 1,
  manualUnlock: 2,
  keypadLock: 5,
  keypadUnlock: 6,
  autoLock: 9,
  jammed: 11,
  codeDeleted: 13,
  codeAdded: 14,
  duplicate: 15,
} as const;

const accessEvents = [...Object.values(event)];

/** What a lock of this kind announces to the network. */
export function lockClasses(settings: SimulatedLockSettings) {
  const { locked_by, codes, slots, secure } = settings;
  const numberOf = { user_code_1: 1, user_code_2: 2 } as const;
  const own = (ccId: CommandClasses, version: number, more: object = {}) => ({ ccId, version, secure, ...more });
  return [
    ...(secure
      ? [
          { ccId: CommandClasses['Security 2'], version: 1 },
          { ccId: CommandClasses.Supervision, version: 1 },
        ]
      : []),
    locked_by === 'lock'
      ? own(CommandClasses.Lock, 1)
      : own(CommandClasses['Door Lock'], secure || settings.auto_relock !== undefined ? 4 : 1, {
          supportedOperationTypes: [DoorLockOperationType.Constant],
          supportedDoorLockModes: [DoorLockMode.Unsecured, DoorLockMode.Secured],
          doorSupported: false,
          boltSupported: true,
          latchSupported: false,
          autoRelockSupported: settings.auto_relock !== undefined,
        }),
    ...(codes === 'user_code_1' || codes === 'user_code_2'
      ? [
          own(CommandClasses['User Code'], numberOf[codes], {
            numUsers: slots,
            supportsAdminCode: false,
            supportsAdminCodeDeactivation: false,
          }),
        ]
      : []),
    ...(codes === 'user_credential'
      ? [
          own(CommandClasses['User Credential'], 1, {
            numberOfSupportedUsers: slots,
            supportedCredentialTypes: new Map([
              [
                UserCredentialType.PINCode,
                {
                  numberOfCredentialSlots: slots,
                  minCredentialLength: 4,
                  maxCredentialLength: 8,
                  maxCredentialHashLength: 0,
                  supportsCredentialLearn: false,
                },
              ],
            ]),
          }),
        ]
      : []),
    ...(locked_by === 'lock'
      ? []
      : [
          own(CommandClasses.Notification, 8, {
            supportsV1Alarm: false,
            notificationTypesAndEvents: { [ACCESS_CONTROL]: accessEvents },
          }),
        ]),
    own(CommandClasses.Battery, 1),
    ...(settings.listens === 'when_it_wakes' ? [own(CommandClasses['Wake Up'], 2)] : []),
  ];
}
