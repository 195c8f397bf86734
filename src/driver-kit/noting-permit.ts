import type { SendPermit } from '../contract/index.ts';

/** The same permit, which tells when it is spent. */
export const noting = (permit: SendPermit, onSpend: () => void): SendPermit => ({
  ...(permit.sendBy === undefined ? {} : { sendBy: permit.sendBy }),
  spend: () => {
    permit.spend();
    onSpend();
  },
  withdraw: () => permit.withdraw(),
});
