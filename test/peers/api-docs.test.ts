import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureBuilt } from '../../scripts/build.mjs';
import { type BoxedGateway, GatewayBox } from '../kit/gateway/gateway-box.ts';
import { chromiumProgram, startBrowser, visit } from './kit/browser.ts';

describe.skipIf(chromiumProgram === undefined)('the API’s viewer in a browser', () => {
  let browser: Browser;
  let box: GatewayBox;
  let gateway: BoxedGateway;

  beforeAll(async () => {
    await ensureBuilt();
    browser = await startBrowser();
    box = await GatewayBox.make({ devices: [] });
    gateway = await box.start();
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
    await box?.dispose();
  });

  it('shows every route, asks nobody else, keeps to the policy, and tries a route with a key', async () => {
    const { page, context, trouble } = await visit(browser, `${gateway.url}/`, { height: 1000 });
    trouble.length = 0;
    await page.goto(`${gateway.url}/docs`);
    await page.getByText('/access_grants/create').waitFor();
    const shown = await page.locator('.opblock').count();
    const description = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as { paths: object };
    expect(shown).toBe(Object.keys(description.paths).length);

    await page.getByRole('button', { name: 'Authorize' }).first().click();
    await page.getByRole('textbox', { name: 'Value' }).or(page.locator('.auth-container input')).first().fill(box.key);
    await page
      .locator('.auth-btn-wrapper')
      .getByRole('button', { name: 'Apply' })
      .or(page.locator('.modal-btn.authorize'))
      .first()
      .click();
    await page.getByRole('button', { name: 'Close' }).first().click();
    await page.getByText('/workspaces/get').click();
    await page.getByRole('button', { name: 'Execute' }).click();
    const answered = page.locator('.live-responses-table .response-col_status').last();
    await expect.poll(() => answered.textContent()).toContain('200');
    if (process.env.STRIKEPLATE_SCREENSHOTS !== undefined)
      await page.screenshot({ path: `${process.env.STRIKEPLATE_SCREENSHOTS}/api-docs.png` });
    expect(trouble).toEqual([]);
    await context.close();
  });
});
