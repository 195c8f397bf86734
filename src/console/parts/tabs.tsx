interface Tab {
  readonly href: string;
  readonly name: string;
  readonly isOpen: boolean;
  /** How many are there. */
  readonly count?: number | undefined;
}

/** Parts of one view, each with an address of its own. */
export const Tabs = ({ tabs }: { readonly tabs: readonly Tab[] }) => (
  <div class="tabs">
    {tabs.map(({ href, name, isOpen, count }) => (
      <a key={href} href={href} aria-current={isOpen ? 'true' : undefined}>
        {name}
        {count !== undefined && count > 0 && <span class="count">{count}</span>}
      </a>
    ))}
  </div>
);
