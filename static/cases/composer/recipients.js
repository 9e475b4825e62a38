// To, Cc and Bcc as chips. The field of the form stays what is sent: its text is written from the chips.
import { choicesOf } from "./choices.js";
import { ask, jsonOf } from "./requests.js";

const ASK_AFTER = 150; // milliseconds without a key
const LOOKS_LIKE_AN_ADDRESS = /^[^\s@<>",;]+@[^\s@<>",;]+$/;

/** The entries of a line of recipients: a comma inside quotes or angle brackets divides nothing. */
export function splitEntries(text) {
  const entries = [];
  let entry = "", inQuotes = false, inBrackets = false;
  for (const character of text) {
    if (character === '"') inQuotes = !inQuotes;
    else if (!inQuotes && (character === "<" || character === ">")) inBrackets = character === "<";
    if (!inQuotes && !inBrackets && /[,;\n]/.test(character)) {
      entries.push(entry);
      entry = "";
    } else entry += character;
  }
  return { whole: entries.map((each) => each.trim()).filter(Boolean), rest: entry, isOpen: inQuotes || inBrackets };
}

export function readEntry(written) {
  const [, name, address] = /^(.*?)\s*<([^<>]*)>\s*$/s.exec(written) ?? [null, "", written.trim()];
  return { written, name: name.replace(/^"(.*)"$/s, "$1").trim(), address: address.trim(), isAddress: LOOKS_LIKE_AN_ADDRESS.test(address.trim()) };
}

export function openRecipients(form, words, { onChange }) {
  const fields = [...form.querySelectorAll("[data-recipients]")].map((place) => new Recipients(place, form, words, onChange));
  for (const field of fields) field.others = fields.filter((other) => other !== field);
  return {
    count: () => fields.reduce((sum, field) => sum + field.entries.length + (field.pending ? 1 : 0), 0),
    commit: () => fields.forEach((field) => field.commit()),
    read: () => fields.forEach((field) => field.read()),
    invalid: () => fields.flatMap((field) => field.entries.filter((entry) => !entry.isAddress).map((entry) => entry.written)),
  };
}

class Recipients {
  constructor(place, form, words, onChange) {
    Object.assign(this, { place, words, onChange, others: [], entries: [], abort: null, timer: 0 });
    this.people = form.dataset.people ?? "";
    this.value = form.elements[place.dataset.recipients];
    this.build();
    this.read();
  }

  build() {
    const label = this.place.querySelector("label");
    this.list = Object.assign(document.createElement("ul"), { className: "chip-list" });
    this.list.setAttribute("role", "list");
    this.list.setAttribute("aria-label", this.words("chosen", label.textContent));
    this.field = Object.assign(document.createElement("input"), { type: "text", id: `${this.value.id}_entry`, autocomplete: "off", spellcheck: false });
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", autocapitalize: "off", "data-no-send": "" })) {
      this.field.setAttribute(name, value);
    }
    this.choices = choicesOf(this.field, { label: this.words("people"), onChoose: (item) => this.add(item.entry) });
    this.field.setAttribute("aria-controls", this.choices.list.id);
    this.note = Object.assign(document.createElement("p"), { className: "recipient-note", id: `${this.value.id}_mark` });
    this.note.setAttribute("aria-live", "polite");
    this.field.setAttribute("aria-describedby", this.note.id);
    this.box = Object.assign(document.createElement("div"), { className: "chips" });
    this.box.append(this.list, this.field, this.choices.list);
    this.value.after(this.box, this.note);
    this.value.type = "hidden";
    label.htmlFor = this.field.id;
    this.box.addEventListener("mousedown", (event) => {
      if (event.target === this.box || event.target === this.list) (event.preventDefault(), this.field.focus());
    });
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("blur", () => (this.choices.close(), this.commit()));
    this.list.addEventListener("keydown", (event) => this.chipKey(event));
    this.list.addEventListener("click", (event) => {
      const remove = event.target.closest("button");
      if (remove) this.remove([...this.list.children].indexOf(remove.closest("li")));
    });
    this.list.addEventListener("dblclick", (event) => {
      const chip = event.target.closest("li");
      if (chip) this.edit([...this.list.children].indexOf(chip));
    });
  }

  get pending() {
    return this.field.value.trim();
  }

  /** Take over what the form's field holds. */
  read() {
    const { whole, rest } = splitEntries(this.value.value);
    this.entries = [...whole, rest.trim()].filter(Boolean).map(readEntry);
    this.field.value = "";
    this.show();
  }

  write() {
    this.value.value = [...this.entries.map((entry) => entry.written), this.pending].filter(Boolean).join(", ");
    this.onChange();
  }

  add(written) {
    const entry = readEntry(written);
    this.field.value = "";
    const isKnown = [this, ...this.others].some((field) => field.entries.some((each) => each.address.toLowerCase() === entry.address.toLowerCase()));
    if (!isKnown) this.entries.push(entry);
    this.show(isKnown ? this.words("already-there", entry.address) : "");
    this.write();
  }

  commit() {
    if (!this.pending) return;
    const { whole, rest } = splitEntries(this.field.value);
    for (const written of [...whole, rest.trim()].filter(Boolean)) this.add(written);
  }

  remove(position) {
    const [gone] = this.entries.splice(position, 1);
    this.show();
    this.write();
    document.dispatchEvent(new CustomEvent("announce", { detail: this.words("removed", gone.address) }));
    const next = this.list.children[Math.min(position, this.entries.length - 1)]?.querySelector("button");
    (next ?? this.field).focus();
  }

  edit(position) {
    const [entry] = this.entries.splice(position, 1);
    this.commit();
    this.field.value = entry.written;
    this.show();
    this.write();
    this.field.focus();
  }

  show(note = "") {
    this.list.replaceChildren(...this.entries.map((entry) => this.chip(entry)));
    this.list.hidden = !this.entries.length;
    const wrong = this.entries.filter((entry) => !entry.isAddress).map((entry) => entry.written);
    this.note.textContent = wrong.length ? this.words("not-an-address", wrong.join(", ")) : note;
    this.note.classList.toggle("is-wrong", wrong.length > 0);
    this.field.setAttribute("aria-invalid", String(wrong.length > 0));
  }

  chip(entry) {
    const chip = Object.assign(document.createElement("li"), { className: entry.isAddress ? "chip" : "chip is-wrong" });
    if (entry.name) chip.append(Object.assign(document.createElement("bdi"), { textContent: entry.name, className: "name" }), " ");
    chip.append(Object.assign(document.createElement("bdi"), { textContent: entry.address, className: "address" }));
    const remove = Object.assign(document.createElement("button"), { type: "button", tabIndex: -1, textContent: "×" });
    remove.setAttribute("aria-label", this.words("remove", entry.address));
    chip.append(remove);
    return chip;
  }

  typed() {
    const { whole, rest, isOpen } = splitEntries(this.field.value);
    if (whole.length && !isOpen) {
      for (const written of whole) this.add(written);
      this.field.value = rest.trimStart();
    }
    this.write();
    this.choices.narrow(this.pending, { markFirst: !LOOKS_LIKE_AN_ADDRESS.test(this.pending) });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.suggest(), ASK_AFTER);
  }

  async suggest() {
    this.abort?.abort();
    const typed = this.pending;
    if (!typed || !this.people) return this.choices.close();
    this.abort = new AbortController();
    const url = new URL(this.people, location.href);
    url.searchParams.set("q", typed);
    try {
      const outcome = await ask(url, { signal: this.abort.signal });
      const found = (outcome.kind === "done" && jsonOf(outcome)) || [];
      if (this.pending !== typed || document.activeElement !== this.field) return;
      this.choices.show(found.map(asChoice), { markFirst: !LOOKS_LIKE_AN_ADDRESS.test(typed) });
    } catch {
      // Asked again already: the newer answer counts.
    }
  }

  key(event) {
    if (this.choices.takesKey(event)) return;
    const isAtStart = this.field.selectionStart === 0 && this.field.selectionEnd === 0;
    if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.commit();
    } else if ((event.key === "Backspace" || event.key === "ArrowLeft") && isAtStart && this.entries.length) {
      event.preventDefault();
      this.list.lastElementChild.querySelector("button").focus();
    }
  }

  chipKey(event) {
    const chips = [...this.list.children];
    const position = chips.indexOf(event.target.closest("li"));
    if (position < 0) return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) (chips[position + step]?.querySelector("button") ?? (step > 0 ? this.field : null))?.focus();
    else if (event.key === "Backspace" || event.key === "Delete") this.remove(position);
    else if (event.key === "F2") this.edit(position);
    else return;
    event.preventDefault();
  }
}

function asChoice({ address, name, hint }) {
  const plainName = (name ?? "").replace(/["\\]/g, "");
  const entry = plainName && !plainName.includes("@") ? `"${plainName}" <${address}>` : address;
  return { entry, words: plainName ? `${plainName} ${address}` : address, hint };
}
