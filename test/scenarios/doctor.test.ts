import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { drivers } from '../../drivers/index.ts';
import { doctor } from '../../src/cli/doctor/doctor.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { thisBox } from '../../src/cli/doctor/surroundings.ts';
import { RecordedTerminal } from '../kit/command-line/recorded-terminal.ts';
import { freePort } from '../kit/free-port.ts';
import { GatewayBox, idOf, zigbeeEntry } from '../kit/gateway/gateway-box.ts';
import { ZigbeeBuilding } from '../kit/locks/zigbee-building.ts';

describe('doctor beside a gateway that runs', () => {
  it('asks it how its devices are, and disturbs nothing', async () => {
    const building = await ZigbeeBuilding.open();
    onTestFinished(() => building.close());
    const lock = building.bridge.addLock({ friendlyName: 'front', radioMs: 2, motorMs: 5 });
    const back = building.bridge.addLock({ friendlyName: 'back', radioMs: 2, motorMs: 5 });
    building.bridge.start();
    const box = await GatewayBox.make({
      mqtt: { main: { url: building.url } },
      http: { port: await freePort() },
      devices: [zigbeeEntry('front'), zigbeeEntry('back')],
    });
    onTestFinished(() => box.dispose());
    writeFileSync(join(box.stateDir, 'cli.key'), `${box.key}\n`, { mode: 0o600 });
    const gateway = await box.start();
    onTestFinished(() => gateway.close());
    await gateway.api.online(idOf('front'));
    await gateway.api.online(idOf('back'));
    back.goOffline();
    for (let isOnline = true; isOnline; ) {
      const { body } = await gateway.api.post('/devices/get', { device_id: idOf('back') });
      isOnline = (body.device as unknown as { properties: { online: boolean } }).properties.online;
    }

    const look = async (version: string) => {
      const terminal = new RecordedTerminal(box.folder, {});
      const world = { ...thisBox, isClockSynchronised: async () => true };
      await doctor(terminal, { drivers, simulators: {} }, version, { config: box.configFile, json: true }, world);
      return (JSON.parse(terminal.output) as { findings: Finding[] }).findings;
    };
    const findings = await look('0.0.0');
    const verdicts = (check: string) => findings.filter((finding) => finding.check === check);
    expect(verdicts('port')).toMatchObject([{ verdict: 'ok' }]);
    expect(verdicts('broker')).toMatchObject([
      { verdict: 'ok' },
      { verdict: 'warning', says: expect.stringContaining('3.1.1 alone') },
    ]);
    expect(verdicts('bridge')).toMatchObject([{ verdict: 'ok' }]);
    expect(verdicts('devices')).toMatchObject([
      {
        verdict: 'warning',
        says: expect.stringMatching(/^back is offline/),
        run: 'strikeplate attempts list --device back',
      },
    ]);
    expect(verdicts('versions')).toMatchObject([
      { verdict: 'ok' },
      { verdict: 'warning', run: 'systemctl restart strikeplate' },
    ]);
    expect(lock.doorCommands).toEqual([]);
    expect(JSON.stringify(findings)).not.toContain(box.key);
  });
});
