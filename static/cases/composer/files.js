// Files of the draft: chosen, dropped or pasted, each on its way at once, with how far it is and what went wrong.
import { jsonOf, upload } from "./requests.js";

const FAULT_PASSES = 1000; // milliseconds until a server that had a fault is asked once more

export function openFiles(form, words, { drafts, onInline, onChange }) {
  const list = form.querySelector("[data-files]");
  const plainField = form.elements.attachments;
  if (!list || !form.dataset.drafts) return null;
  return new Files(form, list, plainField, { words, drafts, onInline, onChange });
}

class Files {
  constructor(form, list, plainField, { words, drafts, onInline, onChange }) {
    Object.assign(this, { form, list, words, drafts, onInline, onChange, running: new Set() });
    this.most = { files: Number(form.dataset.mostFiles), bytes: Number(form.dataset.mostBytes) };
    plainField.closest(".field").hidden = true;
    plainField.disabled = true;
    this.chooser = form.querySelector("[data-choose-files]");
    form.querySelector("[data-attach]").hidden = false;
    form.querySelector("[data-attach]").addEventListener("click", () => this.chooser.click());
    this.chooser.addEventListener("change", () => {
      this.add([...this.chooser.files]);
      this.chooser.value = "";
    });
    list.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.press(button, button.closest("li"));
    });
    for (const item of this.items) this.adopt(item);
    this.dropAnywhere();
    this.total();
  }

  /** A file that is there already: as the page says it, or as a draft says that was made of a forward. */
  adopt(item) {
    const row = this.row(item.dataset.name, item.dataset.size);
    row.dataset.file = item.dataset.file;
    item.replaceWith(row);
  }

  /** What the draft holds now, after it took or gave back the files of a forwarded mail. */
  show(files) {
    const keys = new Set(files.map(({ id }) => String(id)));
    for (const item of this.items) if (item.dataset.file && !keys.has(item.dataset.file)) item.remove();
    this.form.querySelector("[data-forwarded]")?.remove();
    for (const { id, name, size, inline } of files) {
      if (inline || this.list.querySelector(`[data-file="${id}"]`)) continue;
      const row = this.row(name, size);
      row.dataset.file = id;
      this.list.append(row);
    }
    this.total();
  }

  dropAnywhere() {
    const pane = this.form.closest(".composer");
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    let depth = 0;
    const mark = (isOver) => pane.classList.toggle("is-target", isOver);
    pane.addEventListener("dragenter", (event) => hasFiles(event) && mark((depth += 1) > 0));
    pane.addEventListener("dragleave", (event) => hasFiles(event) && mark((depth = Math.max(0, depth - 1)) > 0));
    pane.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    pane.addEventListener(
      "drop",
      (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        event.stopPropagation();
        mark((depth = 0) > 0);
        const files = [...event.dataTransfer.files];
        const isIntoText = Boolean(event.target.closest(".editor"));
        const pictures = isIntoText ? files.filter((file) => file.type.startsWith("image/")) : [];
        if (pictures.length) this.add(pictures, { inline: true });
        this.add(files.filter((file) => !pictures.includes(file)));
      },
      true,
    );
  }

  get items() {
    return [...this.list.children];
  }

  /** All that is on its way has arrived or failed. */
  async settled() {
    while (this.running.size) await Promise.allSettled([...this.running]);
  }

  get failed() {
    return this.items.filter((item) => item.classList.contains("is-wrong")).map((item) => item.dataset.name);
  }

  get names() {
    return this.items.filter((item) => !item.classList.contains("is-wrong")).map((item) => item.dataset.name);
  }

  add(files, { inline = false } = {}) {
    for (const file of files) {
      const item = this.row(file.name, file.size);
      const problem = this.problemWith(file);
      this.list.append(item);
      if (problem) this.fail(item, problem, null);
      else this.start(file, item, inline);
    }
    this.total();
  }

  problemWith(file) {
    const sizes = this.items.reduce((sum, item) => sum + (item.classList.contains("is-wrong") ? 0 : Number(item.dataset.size)), 0);
    if (this.most.files && this.names.length >= this.most.files) return this.words("too-many-files", this.most.files);
    if (this.most.bytes && sizes + file.size > this.most.bytes) return this.words("too-large", inWords(this.most.bytes));
    return "";
  }

  /** One after the other: the first is there sooner, and the rest waits in order. */
  start(file, item, inline) {
    const work = (this.last ?? Promise.resolve()).then(() => item.isConnected && this.send(file, item, inline)).finally(() => {
      this.running.delete(work);
      this.total();
      this.onChange();
    });
    this.running.add(work);
    this.last = work.catch(() => {});
  }

  async send(file, item, inline) {
    const bar = item.querySelector("progress");
    bar.hidden = false;
    item.querySelector(".problem").textContent = "";
    item.classList.remove("is-wrong");
    const draft = await this.drafts.ensure();
    if (!draft) return this.fail(item, this.drafts.refusal || this.words("file-not-sent"), () => this.start(file, item, inline));
    const fields = new FormData();
    fields.append("file", file, file.name);
    if (inline) fields.append("inline", "1");
    const go = () => upload(`${this.form.dataset.drafts}${draft}/files/`, fields, {
      onProgress: (share) => {
        bar.value = share;
        bar.setAttribute("aria-label", this.words("uploading", file.name, Math.round(share * 100)));
      },
      onStart: (request) => (item.request = request),
    });
    let outcome = await go();
    if (outcome.status >= 500) {
      await new Promise((resolve) => setTimeout(resolve, FAULT_PASSES));
      outcome = await go();
    }
    const answer = jsonOf(outcome);
    const [stored] = answer?.files ?? [];
    bar.hidden = true;
    if (outcome.kind === "aborted") return item.remove();
    if (!stored) {
      const because = outcome.kind === "signed-out" ? this.words("signed-out") : answer?.error ?? this.words("file-not-sent");
      return this.fail(item, because, outcome.kind === "refused" && answer?.error ? null : () => this.start(file, item, inline));
    }
    if (inline && stored.inline !== false) {
      item.remove();
      return this.onInline(stored);
    }
    item.dataset.file = stored.id;
    item.dataset.size = stored.size;
    item.dataset.name = stored.name;
  }

  row(name, size) {
    const item = document.createElement("li");
    item.className = "attached";
    Object.assign(item.dataset, { name, size });
    item.append(
      Object.assign(document.createElement("bdi"), { textContent: name, className: "name" }),
      Object.assign(document.createElement("span"), { textContent: inWords(size), className: "size" }),
      Object.assign(document.createElement("progress"), { max: 1, value: 0, hidden: true }),
      Object.assign(document.createElement("span"), { className: "problem" }),
      this.button("retry", name, this.words("try-again")),
      this.button("remove", name, "×"),
    );
    item.querySelector("[data-do='retry']").hidden = true;
    return item;
  }

  button(does, name, words) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: words });
    button.dataset.do = does;
    button.className = "quiet";
    if (does === "remove") button.setAttribute("aria-label", this.words("remove", name));
    return button;
  }

  fail(item, because, again) {
    item.classList.add("is-wrong");
    item.querySelector("progress").hidden = true;
    item.querySelector(".problem").textContent = because;
    item.again = again;
    item.querySelector("[data-do='retry']").hidden = !again;
    document.dispatchEvent(new CustomEvent("announce", { detail: `${item.dataset.name}: ${because}` }));
  }

  async press(button, item) {
    if (button.dataset.do === "retry") {
      button.hidden = true;
      return item.again?.();
    }
    item.request?.abort();
    const { file } = item.dataset;
    const next = item.nextElementSibling?.querySelector("[data-do='remove']") ?? this.form.querySelector("[data-attach]");
    item.hidden = true;
    if (file) {
      const outcome = await upload(`${this.form.dataset.drafts}${this.drafts.id}/files/${file}/remove/`, new FormData(), { onProgress: () => {} });
      if (outcome.kind !== "done" && outcome.status !== 404) {
        item.hidden = false;
        return this.fail(item, this.words("not-removed"), null);
      }
    }
    item.remove();
    next.focus();
    this.total();
    this.onChange();
  }

  total() {
    const place = this.form.querySelector("[data-files-total]");
    const there = this.items.filter((item) => !item.classList.contains("is-wrong"));
    const size = there.reduce((sum, item) => sum + Number(item.dataset.size), 0);
    this.list.hidden = !this.items.length;
    if (place) place.textContent = there.length > 1 ? this.words("files-total", there.length, inWords(size)) : "";
  }
}

const UNITS = ["B", "kB", "MB", "GB"];

export function inWords(bytes) {
  let size = Number(bytes), unit = 0;
  for (; size >= 1024 && unit < UNITS.length - 1; unit += 1) size /= 1024;
  return `${new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: size < 10 && unit ? 1 : 0 }).format(size)} ${UNITS[unit]}`;
}
