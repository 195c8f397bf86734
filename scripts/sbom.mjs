import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What goes into the product, as a CycloneDX bill of materials (specification 1.5), from the lock file alone: two builds
 * of one commit have the same. `npm sbom` leaves out half of what is nested.
 *
 * @typedef {{ version: string, resolved?: string, integrity?: string, license?: string, dev?: boolean, devOptional?: boolean,
 *   optional?: boolean, peer?: boolean, dependencies?: Record<string, string>, optionalDependencies?: Record<string, string>,
 *   peerDependencies?: Record<string, string> }} Locked
 */

/** @param {string} root @returns {Record<string, Locked>} by path; the product itself under `''` */
export const lockedPackages = (root) => JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;

/** @param {Record<string, Locked>} packages @returns {string[]} paths of what is installed with the product */
export const shippedPaths = (packages) =>
  Object.keys(packages)
    .filter((path) => path !== '' && !packages[path]?.dev && !packages[path]?.devOptional)
    .sort();

/** @param {string} path */
const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);

/** @param {string} path @param {Locked} locked */
function componentOf(path, { version, integrity = '', license, optional }) {
  const name = nameOf(path);
  const [, digest] = /^sha512-(.+)$/.exec(integrity) ?? [];
  return {
    type: 'library',
    'bom-ref': path,
    name,
    version,
    scope: optional ? 'optional' : 'required',
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(digest && { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }),
    licenses: license === undefined ? [] : [licenceOf(license)],
  };
}

/** An id, an expression of ids, or a name of the maker's own. @param {string} licence */
function licenceOf(licence) {
  if (/ (OR|AND) /.test(licence)) return { expression: licence };
  return { license: / /.test(licence) ? { name: licence } : { id: licence } };
}

/** Where a package finds another: beside it, or further up. @param {Record<string, Locked>} packages @param {string} from @param {string} name */
function resolved(packages, from, name) {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (packages[path] !== undefined) return path;
    if (at === '') return undefined;
  }
}

/** @param {string} root */
export function sbomOf(root) {
  const packages = lockedPackages(root);
  const paths = shippedPaths(packages);
  const shipped = new Set(paths);
  const product = packages[''];
  const name = 'strikeplate';
  const needs = (/** @type {string} */ path) => {
    const { dependencies, optionalDependencies, peerDependencies } = packages[path] ?? {};
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
    const found = names.flatMap((wanted) => resolved(packages, path, wanted) ?? []).filter((one) => shipped.has(one));
    return [...new Set(found)].sort();
  };
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': name,
        name,
        version: product?.version,
        licenses: [{ license: { id: 'MIT' } }],
      },
    },
    components: paths.map((path) => componentOf(path, /** @type {Locked} */ (packages[path]))),
    dependencies: [
      { ref: name, dependsOn: needs('') },
      ...paths.map((path) => ({ ref: path, dependsOn: needs(path) })),
    ],
  };
}
