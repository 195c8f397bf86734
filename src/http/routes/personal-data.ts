import { z } from 'zod';
import { GatewayError } from '../../contract/index.ts';
import type { PersonalData } from '../../personal-data/personal-data.ts';
import { onceAsked } from '../../wire/once-asked.ts';
import { oneLine } from '../plain-parameters.ts';
import { changeRoute, type Route } from '../route.ts';

const forgottenSchema = onceAsked(() =>
  z
    .object({
      user_identities: z.number(),
      access_grants: z.number(),
      access_codes: z.number(),
      action_attempts: z.number(),
      events: z.number(),
      audit_entries: z.number(),
      revoked_api_keys: z.number(),
      others: z
        .number()
        .describe(
          "Codes, people, spaces and grants by a key of an application's; thresholds; what is kept of devices.",
        ),
    })
    .meta({ id: 'forgotten_personal_data' }),
);

/** Forgets somebody wherever their name is kept. */
export type PersonalDataService = Pick<PersonalData, 'forget'>;

/** Our own: the right to be forgotten. */
export function personalDataRoutes(personalData: PersonalDataService): Route[] {
  return [
    changeRoute('delete', {
      path: '/strikeplate/personal_data/forget',
      summary: 'Forget somebody: take a name out of everything that is kept',
      scopes: ['admin'],
      whole: true,
      params: z.strictObject({
        name: oneLine.trim().min(1).max(200).optional().describe('A name, an email address or a telephone number.'),
        user_identity_id: z.string().optional().describe('Instead: a person, with all that names them.'),
      }),
      answer: () => z.object({ forgotten: forgottenSchema() }),
      change: async ({ name, user_identity_id }, origin) => {
        if ((name === undefined) === (user_identity_id === undefined))
          throw new GatewayError('invalid_input', 'Give either name or user_identity_id.');
        const whom = user_identity_id === undefined ? { name: name ?? '' } : { userIdentityId: user_identity_id };
        const found = await personalData.forget(whom, origin);
        return {
          answer: () => ({
            forgotten: {
              user_identities: found.userIdentities,
              access_grants: found.accessGrants,
              access_codes: found.accessCodes,
              action_attempts: found.attempts,
              events: found.events,
              audit_entries: found.auditEntries,
              revoked_api_keys: found.revokedKeys,
              others: found.others,
            },
          }),
        };
      },
    }),
  ];
}
