// Keys for whoever does not use a mouse: g and a letter, / j k Enter Esc ?. Where one types, they are letters.
(() => {
  const typing = (at) => at.closest("input, textarea, select, [contenteditable]");
  const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  let wanted = -Infinity;

  const go = (key) => document.querySelector(`nav [data-key="${CSS.escape(key)}"]`)?.click();
  const move = (by) => {
    const all = rows();
    const now = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(Math.max(now + by, 0), all.length - 1)];
    (next?.querySelector("a, button") ?? next)?.focus();
  };
  const sheet = (name) => document.getElementById(name)?.showModal();

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.timeStamp - wanted < 1200) {
      wanted = -Infinity;
      go(event.key);
      return;
    }
    const acts = {
      g: () => { wanted = event.timeStamp; },
      j: () => move(1),
      k: () => move(-1),
      "/": () => document.querySelector("[data-question]")?.focus(),
      "?": () => sheet("keys"),
    };
    if (Object.hasOwn(acts, event.key)) {
      event.preventDefault();
      acts[event.key]();
    }
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) sheet(opener.dataset.opens);
    const copier = event.target.closest("[data-copies]");
    if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copies).textContent.trim());
  });

  // A sheet that comes from the server opens itself, and gives the focus back when it goes.
  document.addEventListener("htmx:after:swap", () => {
    const fresh = document.querySelector("dialog[data-fresh]:not([open])");
    if (!fresh) return;
    const before = document.activeElement;
    fresh.showModal();
    fresh.addEventListener("close", () => { fresh.remove(); before?.focus(); }, { once: true });
  });
})();
