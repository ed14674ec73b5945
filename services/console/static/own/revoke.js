// Revoking: the button waits for the typed word; progress is said aloud, though not every second; print.
(() => {
  const SPEAK_EVERY = 5000;
  let spoken = "", at = 0;

  const armed = (form) => {
    const typed = form.elements.typed.value.trim();
    form.querySelector("#revoke-order").disabled = !typed || ![form.dataset.confirms, form.dataset.or].includes(typed);
  };
  const arm = () => document.querySelectorAll("form[data-confirms]").forEach(armed);

  const say = () => {
    const progress = document.getElementById("revoke-progress");
    if (!progress || progress.dataset.says === spoken) return;
    if (progress.dataset.state !== "revoked" && Date.now() - at < SPEAK_EVERY) return;
    spoken = progress.dataset.says;
    at = Date.now();
    document.getElementById("revoke-spoken").textContent = spoken;
  };

  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-confirms]");
    if (form) armed(form);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-prints]")) print();
  });
  document.addEventListener("htmx:after:swap", () => {
    arm();
    say();
  });
  arm();
})();
