// A waterfall by keys, as WAI-ARIA has it: up and down among its rows, right opens one, left closes it or goes to its parent. One row takes Tab.
(() => {
  const ROW = '[role="treegrid"] tbody tr';
  const all = (row) => [...row.closest("tbody").rows];
  const level = (row) => Number(row.getAttribute("aria-level"));
  const opened = (row) => row.getAttribute("aria-expanded");

  const turn = (row, open) => {
    row.setAttribute("aria-expanded", open);
    let shut = Infinity;
    for (const one of all(row)) {
      if (level(one) <= shut) shut = Infinity;
      one.hidden = level(one) > shut;
      if (!one.hidden && opened(one) === "false") shut = level(one);
    }
  };
  const parent = (row) => all(row).slice(0, row.sectionRowIndex).findLast((one) => level(one) < level(row));
  const step = (row, by) => {
    const seen = all(row).filter((one) => !one.hidden);
    return seen[seen.indexOf(row) + by];
  };
  const acts = {
    ArrowDown: (row) => step(row, 1),
    ArrowUp: (row) => step(row, -1),
    Home: (row) => all(row)[0],
    End: (row) => all(row).filter((one) => !one.hidden).at(-1),
    ArrowRight: (row) => (opened(row) === "false" ? turn(row, true) : opened(row) && step(row, 1)),
    ArrowLeft: (row) => (opened(row) === "true" ? turn(row, false) : parent(row)),
  };

  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(ROW) || !Object.hasOwn(acts, event.key) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    (acts[event.key](event.target) || event.target).focus();
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(ROW)) for (const one of all(event.target)) one.tabIndex = one === event.target ? 0 : -1;
  });
  document.addEventListener("click", (event) => {
    const row = event.target.closest?.(ROW);
    if (row && opened(row)) turn(row, opened(row) === "false");
  });
})();
