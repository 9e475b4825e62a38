// Quick text: “;” and a shortcut, chosen from a small list, or the same list from a button.
import { choicesOf } from "./choices.js";
import { ask, jsonOf } from "./requests.js";

const TYPED_SHORTCUT = /(?:^|\s);([\p{L}\p{N}_-]{0,40})$/u;

export function openQuickTexts(form, editor, words) {
  const source = form.dataset.quickTexts;
  if (!source) return;
  const { root } = editor;
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
    choices.narrow(query ?? "");
    const found = await fetchTexts(query ?? "");
    if (typed !== query) return;
    choices.show(found.map((each) => ({ words: `;${each.shortcut}`, hint: each.name, text: each.text })));
    if (choices.isOpen) placeAtCursor(choices.list, editor);
  };
  const insert = ({ text }) => {
    if (typed !== null && typed !== undefined) editor.removeBeforeCursor(typed.length + 1);
    typed = null;
    editor.insertText(text);
    if (text.includes("{{")) editor.marks.selectFirst();
  };
  root.addEventListener("input", () => {
    const match = TYPED_SHORTCUT.exec(editor.textBeforeCursor());
    if (match) show(match[1]);
    else (typed = null), choices.close();
  });
  root.addEventListener("keydown", (event) => choices.takesKey(event) && event.stopImmediatePropagation(), true);
  root.addEventListener("blur", () => choices.close());
  const button = form.querySelector("[data-quick-text]");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    editor.focus();
    show(undefined);
  });
}

function placeAtCursor(list, { root, cursor: cursorOf }) {
  const frame = root.parentElement.getBoundingClientRect();
  const found = cursorOf();
  const cursor = found && found.height ? found : root.getBoundingClientRect();
  const left = Math.max(0, Math.min(cursor.left - frame.left, frame.width - list.offsetWidth - 8));
  const isBelow = cursor.bottom + list.offsetHeight < innerHeight;
  list.style.insetInlineStart = "auto";
  list.style.left = `${left}px`;
  list.style.top = `${(isBelow ? cursor.bottom : cursor.top - list.offsetHeight) - frame.top}px`;
}
