/** Those of one address. */
interface Crowd<Member> {
  readonly address: string;
  /** In the order of arrival. */
  readonly members: Set<Member>;
}

/** Who came from which address. Whoever is one of most is found without looking at all of them. */
export class StrangersByAddress<Member> {
  readonly #crowds = new Map<string, Crowd<Member>>();
  /** By how many they are: at index 3 all addresses with three. The last one is never empty. */
  readonly #bySize: Set<Crowd<Member>>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  of(address: string): number {
    return this.#crowds.get(address)?.members.size ?? 0;
  }

  add(address: string, member: Member): void {
    let crowd = this.#crowds.get(address);
    if (crowd === undefined) {
      crowd = { address, members: new Set() };
      this.#crowds.set(address, crowd);
    }
    const { members } = crowd;
    const before = members.size;
    members.add(member);
    if (members.size > before) this.#resized(crowd, before);
  }

  delete(address: string, member: Member): void {
    const crowd = this.#crowds.get(address);
    if (crowd?.members.delete(member) !== true) return;
    this.#resized(crowd, crowd.members.size + 1);
    if (crowd.members.size === 0) this.#crowds.delete(address);
  }

  /** Of the address with most the one that came first. */
  oldestOfMost(): Member | undefined {
    for (const { members } of this.#bySize.at(-1) ?? []) for (const member of members) return member;
    return undefined;
  }

  #resized(crowd: Crowd<Member>, before: number): void {
    const now = crowd.members.size;
    this.#size += now - before;
    this.#bySize[before]?.delete(crowd);
    while (this.#bySize.length <= now) this.#bySize.push(new Set());
    if (now > 0) this.#bySize[now]?.add(crowd);
    while (this.#bySize.length > 0 && this.#bySize.at(-1)?.size === 0) this.#bySize.pop();
  }
}
