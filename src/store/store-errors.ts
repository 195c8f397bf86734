import { GatewayError } from '../contract/index.ts';

const ourFault = 'Nothing of it was kept. This is a fault in the gateway: please report it with the log.';

export const notPending = (actionAttemptId: string): GatewayError =>
  new GatewayError(
    'internal_error',
    `The action attempt ${actionAttemptId} is unknown or final already, so that its change was refused. ${ourFault}`,
  );

export const alreadyAccepted = (actionAttemptId: string, seq: number): GatewayError =>
  new GatewayError(
    'internal_error',
    `An action attempt with the id ${actionAttemptId} or the sequence number ${seq} was accepted before. ${ourFault}`,
  );

export const storeClosed = (): GatewayError =>
  new GatewayError(
    'storage_unavailable',
    'The gateway is stopping and stores nothing new. Ask again when it is back.',
    {
      retryAfterSeconds: 5,
    },
  );

/** @param where the directory or file system, for whoever has to make room */
export const diskFull = (where: string): GatewayError =>
  new GatewayError(
    'storage_unavailable',
    `The disk holding ${where} is full, so that nothing new can be accepted. Make room there; the gateway goes on by itself.`,
    { retryAfterSeconds: 10 },
  );

export const databaseBusy = (where: string): GatewayError =>
  new GatewayError(
    'storage_unavailable',
    `Another program is writing to the database ${where}, so that nothing can be stored. Close that program.`,
    { retryAfterSeconds: 5 },
  );

export const cannotApply = (kind: string, why: string): GatewayError =>
  new GatewayError('internal_error', `A change (${kind}) could not be stored: ${why}. ${ourFault}`);
