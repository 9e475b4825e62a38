// Email templates, and the merge fields that nothing was found for: they stay visible until somebody writes a word there.
import { textToHtml } from "./clean.js";
import { ask, jsonOf } from "./requests.js";

const MERGE_FIELD = /\{\{[^{}\n]{1,80}\}\}/g;
const LONGEST_LOOKED_AT = 200_000; // characters

export function openTemplates(form, editor, words, { say, onChange }) {
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
    const content = filled.html || textToHtml(filled.text);
    if (editor.isEmpty()) editor.replaceAll(content);
    else editor.insertHtml(content);
    if (filled.subject) form.elements.subject.value = filled.subject;
    editor.focus();
    onChange();
  });
}

function addressOf(form, key) {
  const url = new URL(form.dataset.templateUrl.replace(/0\/$/, `${key}/`), location.href);
  url.searchParams.set("send_from", form.elements.send_from?.value ?? "");
  return url;
}

export function unfilledFields(root) {
  return [...new Set((root.textContent.length > LONGEST_LOOKED_AT ? "" : root.textContent).match(MERGE_FIELD) ?? [])];
}

/** Marks them without touching the text (CSS highlights); a browser that cannot do it has the sentence above the button. */
export function markUnfilled(root) {
  if (!globalThis.Highlight || !CSS.highlights) return;
  const ranges = [];
  if (root.textContent.length <= LONGEST_LOOKED_AT && root.textContent.includes("{{")) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const match of walker.currentNode.data.matchAll(MERGE_FIELD)) {
        const range = new Range();
        range.setStart(walker.currentNode, match.index);
        range.setEnd(walker.currentNode, match.index + match[0].length);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set("unfilled", new Highlight(...ranges));
}
