// Keys for whoever does not use a mouse: g and a letter, / j k Enter Esc ?. Where one types, they are letters; and whoever wishes switches them off.
(() => {
  const LETTERS = "counterfoil.letters";
  const typing = (at) => at.closest("input, textarea, select, [contenteditable]");
  const sheet = () => [...document.querySelectorAll("dialog[open]")].at(-1);
  const rows = () => [...(sheet() ?? document).querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
  const off = () => localStorage.getItem(LETTERS) === "off";
  let going = false;

  const go = (key) => document.querySelector(`nav [data-key="${CSS.escape(key)}"]`)?.click();
  const move = (by) => {
    const all = rows();
    const now = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.min(Math.max(now + by, 0), all.length - 1)];
    const inner = next?.querySelector("a, button");
    if (next && !inner && !next.hasAttribute("tabindex")) next.tabIndex = -1; // a row without a link is read all the same
    (inner ?? next)?.focus();
  };
  const opens = (name) => {
    const found = document.getElementById(name);
    if (found && !found.open) found.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || off()) return;
    if (typing(event.target) || event.key === "Escape") {
      going = false;
      return;
    }
    if (going && event.key.length === 1) { // however long it took: not everybody is quick
      going = false;
      go(event.key);
      return;
    }
    const acts = {
      g: () => { going = true; },
      j: () => move(1),
      k: () => move(-1),
      "/": () => document.querySelector("[data-question]")?.focus(),
      "?": () => opens("keys"),
    };
    if (Object.hasOwn(acts, event.key)) {
      event.preventDefault();
      acts[event.key]();
    }
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) opens(opener.dataset.opens);
    const copier = event.target.closest("[data-copies]");
    if (copier) navigator.clipboard?.writeText(document.getElementById(copier.dataset.copies).textContent.trim());
  });

  const letters = document.getElementById("keys-letters");
  if (letters) letters.checked = !off();
  letters?.addEventListener("change", () => localStorage.setItem(LETTERS, letters.checked ? "on" : "off"));

  // A sheet that comes from the server opens itself, and gives the focus back when it goes.
  document.addEventListener("htmx:after:swap", () => {
    const fresh = document.querySelector("dialog[data-fresh]:not([open])");
    if (!fresh) return;
    const before = document.activeElement;
    fresh.showModal();
    fresh.addEventListener("close", () => { fresh.remove(); before?.focus(); }, { once: true });
  });
})();
