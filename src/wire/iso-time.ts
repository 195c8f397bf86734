/** Milliseconds since the Unix epoch as the wire writes a moment: ISO 8601 in UTC. */
export const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();
