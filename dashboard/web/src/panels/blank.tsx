import type { ComponentChildren } from 'preact';

// Blank fills a panel that has nothing to draw: it says why, and what to do.
export function Blank(p: { title: string; busy?: boolean; level?: string; children?: ComponentChildren }) {
  return (
    <div class="blank" role="status">
      {p.busy ? <i class="spinner" /> : p.level !== undefined && <i class="mark" data-level={p.level} />}
      <p class="blank-title">{p.title}</p>
      {p.children}
    </div>
  );
}
