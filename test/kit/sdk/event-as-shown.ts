import type { EventRecord } from '../../../src/model/records.ts';
import { wireEvent } from '../../../src/wire/event.ts';

/** An event as somebody is shown it who may see everything. */
export const eventAsShown = (event: EventRecord): Readonly<Record<string, unknown>> =>
  wireEvent(event, {
    workspaceId: '20000000-0000-5000-8000-000000000000',
    digits: () => '582914',
    methodDigits: () => '582914',
    deviceErrors: () => [],
    deviceWarnings: () => [],
    link: () => 'mqtt/main',
    accountErrors: () => [],
    deviceMetadata: () => undefined,
    isManagedCode: () => true,
    userIdentityId: () => undefined,
  });
