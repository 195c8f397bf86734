import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  webmanifest: 'application/manifest+json',
};

/** Where the build puts them; beside the sources there are none until it was built. */
const foldersOf = (name: string): readonly string[] =>
  [`../../${name}/`, `../../dist/${name}/`].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/**
 * The files of a page that the build made: the console, or the API's viewer. Nothing of it is read before somebody
 * looks, and only what is in its folder has a name: a path that was made up leads nowhere.
 */
export class BuiltFiles {
  readonly #folder: string;
  #listed: Promise<ReadonlyMap<string, string>> | undefined;
  readonly #read = new Map<string, Promise<Answer>>();

  /** @param folder beside `src` in what was built */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async page(encodings: string | undefined): Promise<Answer> {
    return (
      (await this.file('index.html', encodings)) ?? {
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from('This page was not built. Run: npm run build\n'),
      }
    );
  }

  /** @returns undefined when there is no such file */
  async file(name: string, encodings = ''): Promise<Answer | undefined> {
    this.#listed ??= list(this.#folder);
    const files = await this.#listed;
    if (!files.has(name) || /\.(br|gz)$/.test(name)) return undefined;
    const accepted = encodings.split(',').map((encoding) => encoding.trim().split(';', 1)[0]);
    for (const [encoding, ending] of [
      ['br', '.br'],
      ['gzip', '.gz'],
    ] as const)
      if (accepted.includes(encoding) && files.has(name + ending))
        return this.#answer(files, name + ending, name, { 'content-encoding': encoding });
    return this.#answer(files, name, name, {});
  }

  #answer(
    files: ReadonlyMap<string, string>,
    file: string,
    name: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    const known = this.#read.get(file);
    if (known !== undefined) return known;
    const type = types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    const answer = readFile(files.get(file) ?? '').then((body) => ({
      headers: { 'content-type': type, vary: 'accept-encoding', ...headers },
      body,
    }));
    this.#read.set(file, answer);
    return answer;
  }
}

async function list(name: string): Promise<ReadonlyMap<string, string>> {
  const folder = foldersOf(name).find((candidate) => existsSync(`${candidate}index.html`));
  if (folder === undefined) return new Map();
  return new Map((await readdir(folder)).map((file) => [file, `${folder}${file}`]));
}
