// Ctrl-K: every page and action by a part of its name. Enter takes the first; arrows choose among the rest.
(() => {
  const dialog = document.getElementById("jump");
  if (!dialog) return;
  const asked = document.getElementById("jump-to");
  const places = [...dialog.querySelectorAll("li")];
  const left = () => places.filter((place) => !place.hidden).map((place) => place.querySelector("a, button"));

  const narrow = () => {
    const words = asked.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const place of places) place.hidden = !words.every((word) => place.textContent.toLowerCase().includes(word));
    document.getElementById("jump-count").textContent = `${left().length} of ${places.length}`;
  };
  const show = () => {
    asked.value = "";
    narrow();
    dialog.showModal();
    asked.focus();
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (dialog.open) dialog.close();
      else show();
    }
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) {
      const all = [asked, ...left()];
      event.preventDefault();
      all[Math.min(Math.max(all.indexOf(document.activeElement) + by, 0), all.length - 1)].focus();
    } else if (event.key === "Enter" && event.target === asked) {
      event.preventDefault();
      left()[0]?.click();
    }
  });
  asked.addEventListener("input", narrow);
  dialog.addEventListener("click", (event) => { if (event.target.closest("li a, li button")) dialog.close(); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-jumps]")) show(); });
})();
