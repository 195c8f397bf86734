import { readPlainYaml } from './plain-yaml.ts';
import type { ConfigProblem, Finding } from './problems.ts';

/** A YAML text that was read, and whoever knows where everything in it stands. */
export interface YamlText {
  /** Plain values; objects that two aliases share are the same object. */
  readonly value: unknown;
  /** What was wrong that did not keep the rest from being understood. */
  readonly problems: readonly ConfigProblem[];
  /** Says where in the text they are. */
  locate(findings: readonly Finding[]): Promise<ConfigProblem[]>;
}

/**
 * Reads YAML 1.2. The library is loaded, and makes its tree of places, only where the text is written in an unusual way, or
 * there is something to tell of it.
 *
 * @throws ConfigError when it is not one YAML document: what it would mean is then anybody's guess
 */
export async function readYaml(file: string, text: string): Promise<YamlText> {
  const withPlaces = async () => (await import('./yaml-source.ts')).readPlacedYaml(file, text);
  const plain = readPlainYaml(text);
  const { value, problems } = plain === undefined ? await withPlaces() : { ...plain, problems: [] };
  return {
    value,
    problems,
    locate: async (findings) => {
      if (findings.length === 0) return [];
      const source = await withPlaces();
      return findings.map((finding) => source.locate(finding));
    },
  };
}
