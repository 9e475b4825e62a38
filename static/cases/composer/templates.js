// Email templates: what is chosen is filled in by the server and put into the text.
import { ask, jsonOf } from "./requests.js";

export function openTemplates(form, editor, words, { say }) {
  const picker = form.querySelector("[data-template]");
  if (!picker || !form.dataset.templateUrl) return;
  picker.closest("[data-template-field]").hidden = false;
  picker.addEventListener("change", async () => {
    const { value } = picker;
    if (!value) return;
    const outcome = await ask(addressOf(form, value));
    const filled = outcome.kind === "done" ? jsonOf(outcome) : null;
    if (!filled) {
      picker.value = "";
      return say(words(outcome.kind === "offline" ? "template-offline" : "template-failed"));
    }
    if (filled.subject) form.elements.subject.value = filled.subject;
    editor.insertTemplate(filled);
    editor.focus();
    editor.marks.selectFirst();
  });
}

function addressOf(form, key) {
  const url = new URL(form.dataset.templateUrl.replace(/0\/$/, `${key}/`), location.href);
  url.searchParams.set("send_from", form.elements.send_from?.value ?? "");
  return url;
}
