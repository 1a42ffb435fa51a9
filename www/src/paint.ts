// When the page is painted, and where a column of it stays.

/** Does something once the page was painted, or a moment later where it is not in sight. */
export function afterPaint(work: () => void): void {
  let begun = false;
  const once = (): void => {
    if (!begun) {
      begun = true;
      work();
    }
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, 500);
}

/** A column that is higher than the window sticks by its end, so that nothing of it is cut: the style reads its height. */
export function stickByItsEnd(column: HTMLElement): void {
  new ResizeObserver(() => column.style.setProperty("--own-height", `${column.offsetHeight}px`)).observe(column);
}
