import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { lockedPackages, sbomOf, shippedPaths } from '../../scripts/sbom.mjs';

const root = resolve(import.meta.dirname, '../..');
const packages = lockedPackages(root);
const sbom = sbomOf(root);

/** Those that may be shipped with a product under the MIT licence without further duties than naming them. */
const licences = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Public Domain',
  'Python-2.0',
  'Unlicense',
];

describe('the bill of materials', () => {
  it('has everything that is shipped, once, with the hash that the lock file demands', () => {
    expect(sbom.components.map((component) => component['bom-ref'])).toEqual(shippedPaths(packages));
    expect(sbom.components.length).toBeGreaterThan(150);
    for (const component of sbom.components) {
      const locked = packages[component['bom-ref']];
      expect(component.version).toBe(locked?.version);
      const [hash] = component.hashes ?? [];
      expect(`sha512-${Buffer.from(hash?.content ?? '', 'hex').toString('base64')}`).toBe(locked?.integrity);
      expect(component.purl).toBe(`pkg:npm/${component.name.replace('@', '%40')}@${component.version}`);
    }
  });

  it('says what needs what, and every reference leads somewhere', () => {
    const refs = new Set(['strikeplate', ...sbom.components.map((component) => component['bom-ref'])]);
    expect(sbom.dependencies.map(({ ref }) => ref).sort()).toEqual([...refs].sort());
    for (const { dependsOn } of sbom.dependencies) for (const ref of dependsOn) expect(refs.has(ref), ref).toBe(true);
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(sbom.dependencies[0]?.dependsOn).toEqual(
      expect.arrayContaining(Object.keys(dependencies).map((name) => `node_modules/${name}`)),
    );
    // Nothing is shipped that nobody needs.
    const needed = new Set(sbom.dependencies.flatMap(({ dependsOn }) => dependsOn));
    expect(sbom.components.map((component) => component['bom-ref']).filter((ref) => !needed.has(ref))).toEqual([]);
  });

  it('is what CycloneDX’s own schema takes for one, and that schema refuses what is none', () => {
    const schema = (name: string) =>
      JSON.parse(readFileSync(join(root, `test/kit/cyclonedx/${name}.schema.json`), 'utf8')) as object;
    const ajv = new Ajv({ strict: false, validateFormats: false });
    for (const name of ['spdx', 'jsf-0.82'])
      ajv.addSchema({ ...schema(name), $id: `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json` });
    const validate = ajv.compile(schema('bom-1.5'));
    const errorsOf = (bill: unknown) => (validate(JSON.parse(JSON.stringify(bill))) ? [] : validate.errors);
    expect(errorsOf(sbom)).toEqual([]);
    const [first, ...others] = sbom.components;
    const spoilt = [
      { ...sbom, bomFormat: 'SPDX' },
      { ...sbom, serialNumber: 'one' },
      { ...sbom, components: [{ ...first, type: 'thing' }, ...others] },
      { ...sbom, components: [{ ...first, hashes: [{ alg: 'SHA-512', content: 'x' }] }, ...others] },
      { ...sbom, components: [first, first, ...others] },
    ];
    for (const bill of spoilt) expect(errorsOf(bill)).not.toEqual([]);
  });

  it('names a licence for each, and none that asks for more than its name', () => {
    for (const component of sbom.components) {
      const [licence] = component.licenses;
      const said = licence && ('expression' in licence ? licence.expression : Object.values(licence.license)[0]);
      const allowed = String(said)
        .replace(/[()]/g, '')
        .split(/ OR /)
        .some((one) => one.split(/ AND /).every((id) => licences.includes(id.trim())));
      expect([component.name, said, allowed]).toEqual([component.name, said, true]);
    }
  });

  it('lets no package run anything when it is installed', () => {
    expect(readFileSync(join(root, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
  });

  it.runIf(existsSync(join(root, 'dist/sbom.cdx.json')))('is made by the build', () => {
    expect(JSON.parse(readFileSync(join(root, 'dist/sbom.cdx.json'), 'utf8'))).toMatchObject({
      bomFormat: 'CycloneDX',
      specVersion: '1.5',
    });
  });
});
