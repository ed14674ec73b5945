// The page's own script, with as much of a page around it as it touches. Takes the data on stdin, prints a line for each button.
import { readFileSync } from "node:fs";

const given = JSON.parse(readFileSync(0, "utf8"));
const part = (more) => ({ dataset: {}, children: [], replaceChildren(...lines) { this.children = lines; }, ...more });
const parts = { proof: part({ dataset: given.data }), "proof-keys": part({ value: given.keys }), "proof-verdict": part(), "proof-steps": part(), "proof-where": part() };
let click;
globalThis.document = { getElementById: (id) => parts[id], addEventListener: (_, listener) => { click = listener; }, createElement: () => ({}) };
if (given.insecure) Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
(0, eval)(readFileSync(given.script, "utf8"));

for (const [id, where] of given.buttons) {
  const verdict = parts["proof-verdict"];
  verdict.dataset.verdict = "open";
  parts["proof-where"].value = where;
  click({ target: { closest: () => ({ id }) } });
  while (verdict.dataset.verdict === "open") await new Promise((done) => setTimeout(done, 1));
  console.log(JSON.stringify([verdict.dataset.verdict, verdict.textContent, parts["proof-steps"].children.map((line) => line.textContent)]));
}
