// Quick text: “;” and a shortcut, chosen from a small list, or the same list from a button. Templates fill the mail.
import { choicesOf } from "./choices.js";
import { textToHtml } from "./clean.js";
import { ask, jsonOf } from "./requests.js";

const TYPED_SHORTCUT = /(?:^|\s);([\p{L}\p{N}_-]{0,40})$/u;

export function openQuickTexts(form, editor, words) {
  const source = form.dataset.quickTexts;
  if (!source) return;
  const { root, squire } = editor;
  root.setAttribute("aria-autocomplete", "list");
  const choices = choicesOf(root, { label: words("quick-texts"), onChoose: (item) => insert(item) });
  root.after(choices.list);
  const known = new Map(); // what the server answered, by what was typed
  let typed = null;

  const fetchTexts = async (query) => {
    if (!known.has(query)) {
      const url = new URL(source, location.href);
      url.searchParams.set("q", query);
      url.searchParams.set("send_from", form.elements.send_from?.value ?? "");
      const outcome = await ask(url);
      const found = outcome.kind === "done" ? jsonOf(outcome) : null;
      if (!Array.isArray(found)) return [];
      known.set(query, found);
    }
    return known.get(query);
  };
  const show = async (query) => {
    typed = query;
    const found = await fetchTexts(query ?? "");
    if (typed !== query) return;
    choices.show(found.map((each) => ({ words: `;${each.shortcut}`, hint: each.name, text: each.text })));
    if (choices.isOpen) placeAtCursor(choices.list, root);
  };
  const insert = ({ text }) => {
    if (typed !== null && typed !== undefined) removeTyped(squire, typed.length + 1);
    typed = null;
    const lines = text.split("\n");
    if (lines.length === 1) squire.insertPlainText(text, false);
    else editor.insertHtml(textToHtml(text));
    squire.focus();
  };
  root.addEventListener("input", () => {
    const match = TYPED_SHORTCUT.exec(textBeforeCursor(root));
    if (match) show(match[1]);
    else (typed = null), choices.close();
  });
  root.addEventListener("keydown", (event) => choices.takesKey(event) && event.stopImmediatePropagation(), true);
  root.addEventListener("blur", () => choices.close());
  const button = form.querySelector("[data-quick-text]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    squire.focus();
    show(undefined);
  });
}

function textBeforeCursor(root) {
  const selection = getSelection();
  if (!selection.isCollapsed || !root.contains(selection.anchorNode) || selection.anchorNode.nodeType !== Node.TEXT_NODE) return "";
  return selection.anchorNode.data.slice(Math.max(0, selection.anchorOffset - 60), selection.anchorOffset).replace(/\u200b/g, "");
}

function removeTyped(squire, length) {
  const range = squire.getSelection();
  const { startContainer, startOffset } = range;
  if (startContainer.nodeType !== Node.TEXT_NODE || startOffset < length) return;
  range.setStart(startContainer, startOffset - length);
  squire.saveUndoState(range);
  range.deleteContents();
  squire.setSelection(range);
}

function placeAtCursor(list, root) {
  const frame = root.parentElement.getBoundingClientRect();
  const range = getSelection().rangeCount ? getSelection().getRangeAt(0).getBoundingClientRect() : null;
  const cursor = range && range.height ? range : root.getBoundingClientRect();
  const left = Math.max(0, Math.min(cursor.left - frame.left, frame.width - list.offsetWidth - 8));
  const isBelow = cursor.bottom + list.offsetHeight < innerHeight;
  list.style.insetInlineStart = "auto";
  list.style.left = `${left}px`;
  list.style.top = `${(isBelow ? cursor.bottom : cursor.top - list.offsetHeight) - frame.top}px`;
}
