import { readFileSync } from 'node:fs';
import type { HelperProcess } from './helper-process.ts';

/** What an attack cost whom, from one moment to another. */
export interface AttackLoad {
  /** Connections that the attacker was let in with, per second. */
  readonly dialled: number;
  /** Shares of one processor. */
  readonly gatewayBusy: number;
  /** The gateway's main thread could have run, and another had its processor. */
  readonly gatewayWaiting: number;
  readonly attackerBusy: number;
  /** Connections that the system turned away because nobody took them in fast enough, of all servers here. */
  readonly overflows: number;
}

interface Look {
  readonly at: number;
  readonly opened: number;
  readonly gateway: ThreadTime;
  readonly attacker: ThreadTime;
  readonly overflows: number;
}

interface ThreadTime {
  readonly ranMs: number;
  readonly waitedMs: number;
}

/** Begins to look. The answer ends it. */
export async function attackLoad(gatewayPid: number, attacker: HelperProcess): Promise<() => Promise<AttackLoad>> {
  const look = async (): Promise<Look> => ({
    at: performance.now(),
    opened: (await attacker.ask<{ readonly opened: number }>('counts')).opened,
    gateway: mainThread(gatewayPid),
    attacker: mainThread(attacker.pid),
    overflows: acceptOverflows(),
  });
  const from = await look();
  return async () => {
    const to = await look();
    const ms = to.at - from.at;
    return {
      dialled: ((to.opened - from.opened) / ms) * 1_000,
      gatewayBusy: (to.gateway.ranMs - from.gateway.ranMs) / ms,
      gatewayWaiting: (to.gateway.waitedMs - from.gateway.waitedMs) / ms,
      attackerBusy: (to.attacker.ranMs - from.attacker.ranMs) / ms,
      overflows: to.overflows - from.overflows,
    };
  };
}

/** proc(5), `/proc/pid/task/tid/schedstat`: nanoseconds on a processor, and ready for one. NaN when it is no more. */
function mainThread(pid: number): ThreadTime {
  try {
    const [ran, waited] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
    return { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 };
  } catch {
    return { ranMs: Number.NaN, waitedMs: Number.NaN };
  }
}

/** `ListenOverflows` of `/proc/net/netstat`: two lines, of names and of numbers. */
function acceptOverflows(): number {
  const [names = '', numbers = ''] = readFileSync('/proc/net/netstat', 'utf8').split('\n');
  return Number(numbers.split(' ')[names.split(' ').indexOf('ListenOverflows')]);
}
