import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * Has stack traces name the sources and their lines, as the maps beside the build's files tell them. Node.js can do that
 * by itself (`--enable-source-maps`), and reads all maps at the start for it: 2 MiB and more that stay, for faults that
 * hardly ever come. Here a map is read when the first stack trace through its file is.
 *
 * @returns undoes it
 */
export function tellSourceLines(): () => void {
  const maps = new Map<string, SourceMap | undefined>();
  const mapOf = (url: string): SourceMap | undefined => {
    if (!maps.has(url)) maps.set(url, readMap(url));
    return maps.get(url);
  };
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (error, frames) =>
    [inWords(error), ...frames.map((frame) => `    at ${placeIn(frame, mapOf)}`)].join('\n');
  return () => {
    Error.prepareStackTrace = before;
  };
}

/** A stack trace must never fail: what cannot be read is told as it stands in the build. */
function readMap(url: string): SourceMap | undefined {
  if (!url.startsWith('file:')) return undefined;
  try {
    const file = `${fileURLToPath(url)}.map`;
    return existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  } catch {
    return undefined;
  }
}

function placeIn(frame: NodeJS.CallSite, mapOf: (url: string) => SourceMap | undefined): string {
  const built = String(frame);
  const url = frame.getFileName();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (url === null || url === undefined || line === null || column === null) return built;
  const entry = mapOf(url)?.findEntry(line - 1, column - 1);
  if (entry === undefined || !('originalSource' in entry)) return built;
  const source = new URL(entry.originalSource, url).href;
  return built.replace(
    `${url}:${line}:${column}`,
    () => `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`,
  );
}

/** As the engine begins a stack trace. */
function inWords(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return 'Error';
  }
}
