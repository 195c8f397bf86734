import { z } from 'zod';

/** The parts of the API's answers that commands read; whatever else is there passes through to --json. */
export const deviceAnswer = z.looseObject({
  device_id: z.string(),
  display_name: z.string(),
  capabilities_supported: z.array(z.string()),
  properties: z.looseObject({
    online: z.boolean(),
    battery_level: z.number().optional(),
    noise_level_decibels: z.number().optional(),
    door_open: z.boolean().optional(),
    strikeplate_metadata: z.looseObject({
      slug: z.string(),
      health: z.string(),
      health_reason: z.string().nullable(),
      lock_state: z.string().optional(),
      observes: z.string().optional(),
      noise_metric: z.string().optional(),
      battery_low: z.boolean().optional(),
      out_of_service: z.boolean(),
    }),
  }),
});

export type DeviceAnswer = z.output<typeof deviceAnswer>;

export const attemptAnswer = z.object({
  action_attempt_id: z.string(),
  action_type: z.string(),
  status: z.enum(['pending', 'success', 'error']),
  result: z.record(z.string(), z.unknown()).nullable(),
  error: z.object({ type: z.string(), message: z.string() }).nullable(),
});

export type AttemptAnswer = z.output<typeof attemptAnswer>;

/** As the gateway's own list has it: with the door, and who asked. */
export const ownAttempt = z
  .looseObject({
    action_attempt: attemptAnswer,
    action_attempt_history: z.looseObject({
      device_id: z.string(),
      accepted_at: z.string(),
      actor: z.looseObject({ kind: z.string(), name: z.string().optional() }),
    }),
  })
  .transform(({ action_attempt: attempt, action_attempt_history: { device_id, accepted_at, actor } }) => ({
    ...attempt,
    ...{ device_id, accepted_at, by: actor.name ?? actor.kind },
  }));

export type OwnAttempt = z.output<typeof ownAttempt>;

export const historyAnswer = z.looseObject({
  action_attempt_id: z.string(),
  device_id: z.string(),
  accepted_at: z.string(),
  settled_at: z.string().nullable(),
  actor: z.looseObject({ kind: z.string(), name: z.string().optional(), address: z.string().optional() }),
  history: z.array(z.object({ state: z.string(), at: z.string(), reason: z.string() })),
});

export const devicesPage = z.object({
  devices: z.array(deviceAnswer),
  pagination: z.object({ has_next_page: z.boolean(), next_page_cursor: z.string().nullable() }),
});
