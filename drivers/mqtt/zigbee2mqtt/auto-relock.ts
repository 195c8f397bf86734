import type { AutoLock, AutoLockCapability, CodeCommandContext, ReadContext } from '../../../src/contract/index.ts';
import { autoLockUnknown } from '../../../src/driver-kit/auto-lock-sentences.ts';
import type { Plan, Verdict } from '../../../src/driver-kit/evidence/claims.ts';
import type { BridgeComplaint } from './bridge-complaint.ts';
import { autoRelockRead, autoRelockWrite } from './codec.ts';
import type { HeardMessage } from './device-feed.ts';
import {
  asking,
  type DeviceSession,
  endOfWrite,
  question,
  sending,
  WRITE_MARGIN_MS,
  writePlan,
} from './device-session.ts';
import { complained } from './failures.ts';
import type { Reporter } from './reports.ts';
import { autoRelockAbout, slotTraits } from './testimony.ts';

const key = 'auto_relock_time';

const plan: Plan = {
  ...writePlan,
  // The bridge says itself what it wrote once the lock acknowledged it; the lock is read after that, or after this.
  firstAskMs: 500,
  // A guess.
  betweenMs: 1_100,
};

/**
 * A lock's attribute AutoRelockTime (ZCL Door Lock cluster, 0x0023): after how many seconds it locks itself, and 0 for
 * never. The bridge shows it as `auto_relock_time`, and says there what it wrote before anybody read it back.
 */
export class AutoRelock implements AutoLockCapability {
  readonly #session: DeviceSession;
  readonly #reporter: Reporter;
  #delays: AutoLockCapability['delays'];
  #isWriting = false;
  #isAsked = false;
  readonly #stop: () => void;

  constructor(session: DeviceSession, reporter: Reporter) {
    this.#session = session;
    this.#reporter = reporter;
    const { binding, feed } = session;
    this.#stop = binding.onChange(() => this.#learn());
    feed.listen((event) => {
      if (event.kind === 'message' && event.message.autoRelockS !== undefined) this.#hear(event);
      if (event.kind === 'reachable') this.#askOnce();
    });
    this.#learn();
  }

  get delays(): AutoLockCapability['delays'] {
    return this.#delays;
  }

  close(): void {
    this.#stop();
  }

  async configure(ctx: CodeCommandContext, wanted: AutoLock): Promise<AutoLock> {
    const seconds = wanted.enabled ? (wanted.delaySeconds ?? 0) : 0;
    this.#isWriting = true;
    try {
      const verdict = await this.#write(ctx, seconds);
      const { device } = this.#session;
      const end = endOfWrite(device, verdict, () => autoLockUnknown(device.name));
      const read = autoLockOf(end === 'done' ? seconds : Number(end));
      this.#reporter.tell({ kind: 'auto_lock', ...read });
      return read;
    } finally {
      this.#isWriting = false;
    }
  }

  async read(ctx: ReadContext): Promise<AutoLock> {
    const value = await question(this.#session, ctx.signal, {
      ...{ about: autoRelockAbout, key, payload: autoRelockRead, traits: slotTraits },
      plan: { ...plan, firstAskMs: 0 },
    });
    if (value === undefined) throw complained(this.#session.device, 'no_answer', 'not_sent');
    const read = autoLockOf(Number(value));
    this.#reporter.tell({ kind: 'auto_lock', ...read });
    return read;
  }

  #write(ctx: CodeCommandContext, seconds: number): Promise<Verdict<BridgeComplaint>> {
    const session = this.#session;
    return session.book.judge({
      ...{
        goal: { proof: [{ about: autoRelockAbout, value: String(seconds) }] },
        traits: slotTraits,
        plan,
        ctx,
        marginMs: WRITE_MARGIN_MS,
      },
      send: sending(session, { payload: autoRelockWrite(seconds), ctx, before: () => ctx.letDoorsPass() }),
      ask: asking(session, autoRelockRead),
      between: () => ctx.letDoorsPass(),
    });
  }

  #learn(): void {
    const before = this.#delays;
    const { binding } = this.#session;
    this.#delays = binding.listed?.autoRelock ?? before;
    if (this.#delays?.min === before?.min && this.#delays?.max === before?.max) return;
    this.#reporter.tell({ kind: 'capabilities' });
    this.#askOnce();
  }

  /** What the bridge remembers may be of long ago, and it remembers nothing of a lock that nobody asked. */
  #askOnce(): void {
    const { feed, link, binding, book, own, closing } = this.#session;
    if (this.#isAsked || this.#delays === undefined || feed.interruption || binding.problem) return;
    this.#isAsked = true;
    book.asked(autoRelockAbout);
    own.asked(autoRelockAbout);
    link.query(feed.topics.get, autoRelockRead, closing()).catch(() => undefined);
  }

  /** What the bridge says while it is written is told once it was read. */
  #hear({ message: { autoRelockS }, changed, isOwnWord }: HeardMessage): void {
    if (autoRelockS === undefined || this.#isWriting || changed?.has(key) === false) return;
    this.#reporter.tell({ kind: 'auto_lock', ...autoLockOf(autoRelockS) }, !isOwnWord);
  }
}

const autoLockOf = (seconds: number): AutoLock => ({
  enabled: seconds > 0,
  delaySeconds: seconds > 0 ? seconds : undefined,
});
