import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** How long timedatectl may take, in milliseconds. A guess: it asks the system bus. */
const patienceMs = 5_000;

/**
 * Whether the kernel's clock is kept by NTP, as systemd knows it (timedatectl(1), `NTPSynchronized`): true for
 * timesyncd, chrony and ntpd alike. A machine without systemd never says so; there an operator confirms the time.
 */
export const ntpStatus = {
  async isSynchronised(): Promise<boolean> {
    try {
      const { stdout } = await run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], {
        timeout: patienceMs,
      });
      return stdout.trim() === 'yes';
    } catch {
      return false;
    }
  },
};
