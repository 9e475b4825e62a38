// Sending without leaving the page: whatever the answer is, and when there is none, the text stays where it is.
import { ask } from "./requests.js";

/** `parts`: what the composer consists of (composer.js). */
export function openSending(form, parts) {
  const { words, editor, recipients, drafts, files, warnings } = parts;
  const button = form.querySelector("button.primary");
  const discarding = (submitter) => submitter?.matches("[data-discard]");
  const notices = form.querySelector("[data-notices]");
  let isBusy = false;

  const say = (...sentences) => {
    notices.replaceChildren();
    if (!sentences.length) return;
    const banner = Object.assign(document.createElement("div"), { className: "banner warning" });
    banner.setAttribute("role", "alert");
    banner.append(...sentences.map((sentence) => (sentence instanceof Node ? sentence : Object.assign(document.createElement("p"), { textContent: sentence }))));
    notices.append(banner);
  };

  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    event.preventDefault();
    const closing = event.shiftKey && form.querySelector("[data-closes]"); // a case that is closed has no such button
    const confirm = confirmation(closing);
    // A risky mail is confirmed by looking at the words, not by the same keys once more.
    if (confirm) confirm.focus();
    else if (button && !button.disabled) form.requestSubmit(closing || button);
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBusy || discarding(event.submitter)) return;
    isBusy = true;
    form.setAttribute("aria-busy", "true");
    try {
      await submit(event.submitter);
    } finally {
      isBusy = false;
      form.removeAttribute("aria-busy");
    }
  });

  async function submit(submitter) {
    say();
    recipients.commit();
    editor.keepInStep();
    if (files?.running.size) {
      say(words("waits-for-files"));
      await files.settled();
      say();
    }
    if (files?.failed.length) return say(words("files-failed", files.failed.join(", ")));
    await drafts.flush();
    const outcome = await ask(form.action, { fields: new FormData(form, submitter), headers: { "HX-Request": "true", Accept: "text/html" } });
    if (outcome.kind === "offline") return say(words("send-offline"));
    if (outcome.kind === "signed-out") return say(words("send-signed-out"), loginLink());
    if (outcome.kind === "done") return leave(outcome);
    showRefusal(outcome, { closing: /clos/.test(submitter?.name ?? "") });
  }

  /** The button that sends in spite of warnings, in the way that was asked for. */
  function confirmation(closing) {
    return (closing && form.querySelector("[data-confirm-closing]:not([hidden])")) || form.querySelector("[data-confirm]:not([hidden])");
  }

  function leave(outcome) {
    drafts.stop();
    warnings.stop();
    document.dispatchEvent(new CustomEvent("composer:sent", { detail: { page: outcome.text, from: location.pathname } }));
    document.dispatchEvent(new CustomEvent("cases-changed")); // the list tells whose turn it is
    // A composer that is a page of its own is left as one: who comes back to it finds its key, so that it stays one mail.
    if (parts.isOpenedInPlace) openPage(outcome.url || form.dataset.case);
    else location.assign(outcome.url || form.dataset.case);
  }

  function loginLink() {
    const link = Object.assign(document.createElement("a"), { href: form.dataset.login, target: "_blank", textContent: words("log-in"), rel: "opener" });
    const line = document.createElement("p");
    line.append(link);
    return line;
  }

  /** The answer is the page with the same composer: its sentences are taken over, the fields stay as they are. */
  function showRefusal(outcome, { closing }) {
    const page = new DOMParser().parseFromString(outcome.text, "text/html");
    const answered = page.querySelector("form[data-composer]");
    if (!answered) return say(words(outcome.status === 403 ? "send-forbidden" : "send-failed", outcome.status));
    notices.replaceChildren(...importAll(answered.querySelector("[data-notices]")?.childNodes));
    const risky = answered.querySelector("[data-warnings]");
    if (risky) warnings.show(risky.innerHTML);
    for (const name of ["key", "last_seen", "draft", "version"]) {
      if (form.elements[name] && answered.elements[name]) form.elements[name].value = answered.elements[name].value;
    }
    showErrors(answered);
    showNews(page);
    const confirm = confirmation(closing);
    const first = confirm ?? form.querySelector("[role='alert']");
    first?.scrollIntoView({ block: "nearest" });
    confirm?.focus();
  }

  function showErrors(answered) {
    for (const old of form.querySelectorAll(".errorlist")) old.remove();
    for (const list of answered.querySelectorAll(".errorlist")) {
      const name = list.closest("[data-field]")?.dataset.field;
      form.querySelector(`[data-field="${name}"]`)?.append(document.importNode(list, true));
    }
  }

  /** What came into the case meanwhile is shown: it may change the answer. */
  function showNews(page) {
    const [fresh, old] = [page.querySelector(".timeline"), document.querySelector(".timeline")];
    if (!fresh || !old || fresh.querySelectorAll(".mail").length === old.querySelectorAll(".mail").length) return;
    const imported = document.importNode(fresh, true);
    old.replaceWith(imported);
    for (const id of ["live-seen", "live-changes"]) {
      const [field, now] = [document.getElementById(id), page.getElementById(id)];
      if (field && now) field.value = now.value;
    }
    globalThis.htmx?.process(imported);
    imported.dispatchEvent(new CustomEvent("pane:swapped", { bubbles: true, detail: { pane: "conversation", url: location.href } }));
  }

  return { say, submitWith: (submitter) => form.requestSubmit(submitter) };
}

const importAll = (nodes) => [...(nodes ?? [])].map((node) => document.importNode(node, true));

/** As if somebody had followed a link: the console swaps a pane, a page without it is loaded. */
export function openPage(url) {
  const link = Object.assign(document.createElement("a"), { href: url, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
}
