// Checks in the reader's own browser that a leaf is in the log: RFC 6962 path, C2SP signed note, Ed25519. The server is asked nothing.
(() => {
  const utf8 = new TextEncoder();
  const bytes = (coded) => Uint8Array.from(atob(coded), (letter) => letter.charCodeAt(0));
  const hex = (data) => [...data].map((one) => one.toString(16).padStart(2, "0")).join("");
  const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
  const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
  const number = (text) => {
    if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(Number(text))) throw new Error("a number in it is none");
    return Number(text);
  };

  const signature = (line) => {
    const [dash, name, coded, ...rest] = line.split(" ");
    if (dash !== "\u2014" || !coded || rest.length) throw new Error("a signature line is malformed");
    const raw = bytes(coded);
    return { name, id: hex(raw.slice(0, 4)), raw: raw.slice(4) };
  };
  const head = (note) => {
    const cut = note.lastIndexOf("\n\n");
    const body = note.slice(0, cut + 1);
    const [origin, size, root] = body.split("\n");
    return { body, origin, size: number(size), root: bytes(root), signatures: note.slice(cut + 2).trimEnd().split("\n").map(signature) };
  };

  // Not >>, which would cut a size to 32 bits.
  const climb = async (index, size, hash, path, say) => {
    let [node, at, last, next] = [hash, index, size - 1, 0];
    for (; last > 0; at = Math.floor(at / 2), last = Math.floor(last / 2)) {
      if (at % 2 === 0 && at === last) continue; // no sibling: it stands one level up as it is
      if (next === path.length) throw new Error("the path is too short");
      const step = path[next++];
      node = at % 2 ? await sha256([1], step, node) : await sha256([1], node, step);
      say(`Step ${next}: SHA-256(01, ${at % 2 ? "sibling, this" : "this, sibling"}) = ${hex(node)}`);
    }
    if (next !== path.length) throw new Error("the path is too long");
    return node;
  };

  const keyOf = async (vkey) => {
    const [name, id, ...rest] = vkey.split("+"); // base64 has plus signs of its own
    const raw = bytes(rest.join("+"));
    const derived = hex((await sha256(utf8.encode(`${name}\n`), raw)).slice(0, 4));
    if (raw.length !== 33 || raw[0] !== 1 || derived !== id) throw new Error("the log's key is malformed");
    return { name, id, key: await crypto.subtle.importKey("raw", raw.slice(1), "Ed25519", false, ["verify"]) };
  };
  const signed = async (note, vkeys, say) => {
    let good = false;
    for (const key of await Promise.all(vkeys.map(keyOf))) {
      for (const one of note.signatures.filter((each) => each.name === key.name && each.id === key.id)) {
        if (!await crypto.subtle.verify("Ed25519", key.key, one.raw, utf8.encode(note.body))) throw new Error(`the signature of ${key.name} is not over this head`);
        good ||= key.name === note.origin;
        say(`Ed25519: ${key.name} signed ${note.size} leaves with this root`);
      }
    }
    if (!good) throw new Error("no key given here signed this head");
  };

  const check = async ({ leaf, index, path, checkpoint, vkeys }, say) => {
    const note = head(checkpoint);
    if (!(index < note.size)) throw new Error("the head has no such leaf");
    const hash = await sha256([0], leaf);
    say(`Leaf: SHA-256(00, leaf) = ${hex(hash)}`);
    const root = await climb(index, note.size, hash, path, say);
    say(`Signed root: ${hex(note.root)}`);
    if (hex(root) !== hex(note.root)) throw new Error("the path does not lead from this leaf to the signed root");
    await signed(note, vkeys, say);
    if (JSON.parse(new TextDecoder().decode(leaf)).seq !== index) throw new Error("the leaf says that it is another one");
    return note;
  };

  const given = (from) => ({
    leaf: utf8.encode(from.dataset.leaf),
    index: number(from.dataset.index),
    path: from.dataset.path.split(" ").filter(Boolean).map(bytes),
    checkpoint: from.dataset.checkpoint,
    vkeys: document.getElementById("proof-keys").value.split("\n").map((line) => line.trim()).filter(Boolean),
  });
  const flipped = (data, where) => {
    if (where === "root") {
      const lines = data.checkpoint.split("\n");
      lines[2] = (lines[2][0] === "A" ? "B" : "A") + lines[2].slice(1);
      return [{ ...data, checkpoint: lines.join("\n") }, "One letter of the signed root was changed."];
    }
    const whole = where === "path" ? data.path[0] : data.leaf;
    const at = Math.floor(whole.length / 2);
    const changed = Uint8Array.from(whole);
    changed[at] ^= 1;
    const said = `Byte ${at} of the ${where} was changed from ${hex([whole[at]])} to ${hex([changed[at]])}.`;
    return [where === "path" ? { ...data, path: [changed, ...data.path.slice(1)] } : { ...data, leaf: changed }, said];
  };

  const TONES = { proven: "ok", refused: "no", unsupported: "warn" };
  const unsupported = (error) => {
    if (error.name !== "NotSupportedError") return "";
    const why = globalThis.crypto?.subtle ? "This browser has no Ed25519" : "A browser checks proofs only on https or on localhost";
    return `${why}. Use the lines below: they check the same on any machine.`;
  };
  const tried = async (where, say) => {
    try {
      if (!globalThis.crypto?.subtle) throw new DOMException("", "NotSupportedError");
      let [data, changed] = [given(document.getElementById("proof")), ""];
      if (where) [data, changed] = flipped(data, where);
      if (changed) say(changed);
      const note = await check(data, say);
      return ["proven", `Proven: leaf ${data.index} is one of the ${note.size} that ${note.origin} signed.`];
    } catch (error) {
      const cannot = unsupported(error);
      return cannot ? ["unsupported", cannot] : ["refused", `Refused: ${error.name === "Error" ? error.message : "it is malformed"}.`];
    }
  };
  let turn = 0;
  const run = async (where) => {
    const mine = ++turn;
    const lines = [];
    const [word, text] = await tried(where, (line) => lines.push(line));
    if (mine !== turn) return; // another button was pressed meanwhile
    document.getElementById("proof-steps").replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
    const shown = document.getElementById("proof-verdict");
    shown.className = `note ${TONES[word]}`;
    shown.textContent = text;
    shown.dataset.verdict = word;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("#proof-verify, #proof-tamper, #proof-restore");
    if (button) run(button.id === "proof-tamper" ? document.getElementById("proof-where").value : "");
  });
  if (document.getElementById("proof") && !globalThis.crypto?.subtle) run("");
})();
