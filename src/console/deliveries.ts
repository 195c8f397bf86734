/** What an error says of the command, as docs/errors.md has it; every other type says that nothing was sent. */
export const deliveries = {
  maybe_sent: ['outcome_unknown', 'state_not_reached'],
  acted: ['lock_jammed', 'hardware_fault', 'door_not_closed', 'code_not_stored'],
  refused: [
    'device_busy',
    'device_rejected',
    'authentication_failed',
    'low_battery',
    'invalid_access_code',
    'duplicate_code_on_device',
    'no_space_for_access_code_on_device',
    'slot_conflict',
  ],
} as const;
