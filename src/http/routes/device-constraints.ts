import { z } from 'zod';
import { changeRoute, type Route } from '../route.ts';
import { findDevice } from './device-lookup.ts';

/** Seam's own bounds. */
const length = z.number().int().min(4).max(20);

const reported = z
  .strictObject({
    device_id: z.string(),
    supported_code_lengths: z.array(length).nonempty().optional(),
    min_code_length: length.optional(),
    max_code_length: length.optional(),
  })
  .refine(
    ({ supported_code_lengths: lengths, min_code_length: min, max_code_length: max }) =>
      (lengths === undefined) !== (min === undefined && max === undefined),
    'Give supported_code_lengths, or min_code_length and max_code_length',
  )
  .refine(
    ({ min_code_length: min = 4, max_code_length: max = 20 }) => min <= max,
    'min_code_length, max_code_length: the first is greater than the second',
  );

export function deviceConstraintRoutes(): Route[] {
  return [
    changeRoute('create', {
      path: '/access_codes/report_device_constraints',
      summary: 'Say how many digits a lock takes, where it was found to take fewer lengths than it says',
      scopes: ['control'],
      params: reported,
      answer: z.object({}),
      change: async (params, _origin, { gateway }) => {
        const { deviceId } = findDevice(gateway, { device_id: params.device_id });
        const { min_code_length: min = 4, max_code_length: max = 20 } = params;
        const between = Array.from({ length: max - min + 1 }, (_, at) => min + at);
        await gateway.administration.update(deviceId, { codeLengths: params.supported_code_lengths ?? between });
        return { answer: () => ({}) };
      },
    }),
  ];
}
