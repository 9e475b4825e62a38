// What stands in the composer is saved on the server by itself. The line beside it says what is true: saved, not yet,
// not because, or that another tab saved something newer.
import { ask, jsonOf } from "./requests.js";

const SAVE_AFTER = 1500; // milliseconds without a change
const SAVE_AT_LEAST = 10_000; // while somebody types without a pause
const TRY_AGAIN = 5000;
const TRY_REFUSED_AGAIN = 30_000; // somebody may give the permission back
const NOT_IN_A_DRAFT = new Set(["attachments", "confirmed", "csrfmiddlewaretoken", "draft", "version"]);
const NOT_TYPED = new Set([...NOT_IN_A_DRAFT, "key", "last_seen", "zone"]);

export function openDrafts(form, words, { beforeSave, onOther, onFiles }) {
  return form.dataset.drafts ? new Drafts(form, words, { beforeSave, onOther, onFiles }) : new NoDrafts(form);
}

/** Without a server that keeps drafts: only the warning before the window closes. */
class NoDrafts {
  constructor(form) {
    this.isBackAtStart = false;
    this.id = form.elements.draft?.value ?? "";
    this.isUnsaved = false;
  }

  changed() {
    this.isUnsaved = true;
  }

  asOpened() {}

  ensure() {
    return Promise.resolve("");
  }

  async flush() {}

  async throwAway() {
    this.stop();
  }

  stop() {
    this.isUnsaved = false;
  }
}

class Drafts {
  constructor(form, words, { beforeSave, onOther, onFiles }) {
    Object.assign(this, { form, words, beforeSave, onOther, onFiles, timer: 0, firstChange: 0, refusal: "", running: null, isUnsaved: false, isStopped: false, isBehind: false });
    this.line = form.querySelector("[data-draft-state]");
    this.isNew = !this.id;
    this.isTouched = false;
    this.untouched = ""; // what stood in the form before anybody typed
    addEventListener("online", this.whenOnline = () => this.isUnsaved && this.flush());
    document.addEventListener("visibilitychange", this.whenHidden = () => document.hidden && this.isUnsaved && this.flush());
  }

  get id() {
    return this.form.elements.draft.value;
  }

  get version() {
    return this.form.elements.version.value;
  }

  /** What stands there now is what the composer was opened with, unless somebody typed already. */
  asOpened() {
    if (!this.isTouched) this.untouched = this.contents();
  }

  contents() {
    this.beforeSave();
    return JSON.stringify([...new FormData(this.form)].filter(([name]) => !NOT_TYPED.has(name)));
  }

  changed() {
    if (this.isStopped || !this.isReallyChanged()) return;
    this.isUnsaved = true;
    this.firstChange ||= Date.now();
    if (this.isBehind) return;
    const wait = Math.min(SAVE_AFTER, Math.max(0, this.firstChange + SAVE_AT_LEAST - Date.now()));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), wait);
  }

  /** Add-ons of browsers, and pictures that are taken of the page, touch the editor as well: that is no draft. */
  isReallyChanged() {
    this.isTouched ||= this.contents() !== this.untouched;
    return this.isTouched;
  }

  /** Written and taken away again, in a composer that began without a draft. */
  get isBackAtStart() {
    return this.isNew && this.contents() === this.untouched;
  }

  /** The id of the draft; it is made now if there is none. "" when that did not work. */
  async ensure() {
    if (!this.id) await this.flush({ evenUnchanged: true });
    return this.id;
  }

  /** Saves one after the other: each one tells the version that the next one changes. */
  async flush({ evenUnchanged = false, force = false } = {}) {
    clearTimeout(this.timer);
    while (this.running) await this.running;
    if (this.isStopped || (!this.isUnsaved && !evenUnchanged && !force)) return;
    if (this.isBehind && !force) return;
    this.running = this.save({ force }).finally(() => (this.running = null));
    await this.running;
  }

  async save({ force }) {
    this.beforeSave();
    this.isUnsaved = false;
    this.firstChange = 0;
    const fields = new FormData();
    for (const [name, value] of new FormData(this.form)) if (!NOT_IN_A_DRAFT.has(name)) fields.append(name, value);
    if (this.id) fields.set(...(force ? ["force", "1"] : ["version", this.version]));
    const outcome = await ask(this.id ? `${this.form.dataset.drafts}${this.id}/` : this.form.dataset.newDraft, { fields });
    this.take(outcome, jsonOf(outcome));
  }

  take(outcome, answer) {
    if (this.isStopped) return;
    if (outcome.kind === "done" && answer) {
      if (answer.id) {
        this.form.elements.draft.value = answer.id;
        this.form.elements.key.value = answer.key ?? this.form.elements.key.value;
      }
      if (answer.files) this.onFiles(answer.files);
      this.form.elements.version.value = answer.version;
      this.isBehind = false;
      const saved = this.isUnsaved ? "" : this.words("saved", clock(answer.saved_at));
      if (answer.refused) this.say(this.words("saved-but", saved || this.words("saved", clock(answer.saved_at)), answer.refused), true);
      else this.say(saved);
      this.onOther(null);
      return;
    }
    this.isUnsaved = true;
    this.refusal = outcome.kind === "refused" && answer?.error ? answer.error : "";
    if (outcome.status === 409) {
      this.isBehind = true;
      this.say(this.words("not-saved-other-tab"), true);
      this.onOther(answer?.version ?? null);
    } else if (this.id && (outcome.status === 404 || outcome.status === 410)) {
      // Sent or discarded elsewhere: what is written here becomes a draft of its own.
      this.form.elements.draft.value = "";
      this.later();
    } else if (outcome.kind === "signed-out") {
      this.say(this.words("not-saved-signed-out"), true);
      this.later();
    } else if (outcome.kind === "offline") {
      this.say(this.words("not-saved-offline"), true);
      this.later();
    } else if (answer?.error) {
      this.say(this.words("not-saved-because", answer.error), true);
      this.later(TRY_REFUSED_AGAIN);
    } else {
      this.say(this.words("not-saved-error"), true);
      this.later();
    }
  }

  later(after = TRY_AGAIN) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), after);
  }

  say(sentence, isTrouble = false) {
    if (!this.line || (this.line.textContent === sentence && sentence)) return;
    this.line.textContent = sentence;
    this.line.classList.toggle("is-trouble", isTrouble);
  }

  /** What the server keeps of it goes. */
  async throwAway() {
    const { id } = this;
    this.stop();
    if (id) await ask(`${this.form.dataset.drafts}${id}/discard/`, { fields: new FormData(), headers: { Accept: "application/json" }, keepalive: true });
  }

  /** It was sent or thrown away: nothing is saved any more. */
  stop() {
    this.isStopped = true;
    this.isUnsaved = false;
    clearTimeout(this.timer);
    removeEventListener("online", this.whenOnline);
    document.removeEventListener("visibilitychange", this.whenHidden);
  }
}

function clock(at) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  return format.format(at ? new Date(at) : new Date());
}
