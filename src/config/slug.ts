/** A short id from a name: lower-case letters, digits and hyphens, and a letter first. */
export function slugFrom(name: string, otherwise: string): string {
  const slug = name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);
  return slug === '' ? otherwise : slug;
}
