import type { SendPermit } from '../contract/index.ts';

/** Who is told of what becomes of a permit, in the same turn as the link acts on it. */
export interface PermitObserver {
  /** Asked at the very moment. @throws GatewayError, `not_sent`: then the permit is not spent */
  assertMayGo?(): void;
  /** The command leaves now: what was heard up to here is of before. */
  spent(): void;
  /** It did not leave after all, or nobody received it. */
  withdrawn?(): void;
}

/** The same permit, which tells what becomes of it. Nobody is told of a permit that refused to be spent. */
export const observedPermit = (permit: SendPermit, observer: PermitObserver): SendPermit => ({
  sendBy: permit.sendBy,
  spend: () => {
    observer.assertMayGo?.();
    permit.spend();
    observer.spent();
  },
  withdraw: () => {
    permit.withdraw();
    observer.withdrawn?.();
  },
});
