// The formatting bar: one stop for the Tab key, arrow keys inside (ARIA toolbar pattern).
import { OWN_PICTURE } from "./clean.js";

const FORMATS = {
  bold: ["B", "bold", "removeBold"],
  italic: ["I", "italic", "removeItalic"],
  underline: ["U", "underline", "removeUnderline"],
  bullets: ["UL", "makeUnorderedList", "removeList"],
  numbers: ["OL", "makeOrderedList", "removeList"],
  quote: ["BLOCKQUOTE", "increaseQuoteLevel", "decreaseQuoteLevel"],
};

export function openToolbar(form, editor, { onPictures }) {
  const bar = form.querySelector("[data-toolbar]");
  if (!bar) return;
  const { squire, root } = editor;
  const buttons = [...bar.querySelectorAll("button")];
  root.id ||= "composer-editor";
  bar.setAttribute("aria-controls", root.id);
  bar.hidden = false;
  moveByArrows(bar, buttons);

  const show = () => {
    for (const button of buttons) {
      const [tag] = FORMATS[button.dataset.format] ?? [];
      if (tag) button.setAttribute("aria-pressed", String(squire.hasFormat(tag)));
      if (button.dataset.format === "link") button.setAttribute("aria-pressed", String(squire.hasFormat("A")));
    }
  };
  squire.addEventListener("pathChange", show);
  squire.addEventListener("select", show);
  squire.addEventListener("undoStateChange", ({ detail }) => {
    bar.querySelector("[data-format='undo']").setAttribute("aria-disabled", String(!detail.canUndo));
    bar.querySelector("[data-format='redo']").setAttribute("aria-disabled", String(!detail.canRedo));
  });

  const link = linkPanel(form, editor);
  const pictures = form.querySelector("[data-pictures]");
  pictures?.addEventListener("change", () => {
    onPictures([...pictures.files]);
    pictures.value = "";
  });
  // The selection stays where it is while a button is pressed.
  bar.addEventListener("mousedown", (event) => event.preventDefault());
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-format]");
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    const name = button.dataset.format;
    const [tag, add, remove] = FORMATS[name] ?? [];
    if (name === "link") return link.open();
    if (name === "picture") return pictures?.click();
    if (name === "undo" || name === "redo") squire[name]();
    else if (name === "clear") squire.removeAllFormatting();
    else squire[squire.hasFormat(tag) ? remove : add]();
    // Pressed by key the bar keeps the focus, as a toolbar does.
    if (event.detail > 0) squire.focus();
    else button.focus();
    show();
  });
  root.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
      // Here it is the link, as in every mail program; elsewhere on the page it opens the palette.
      event.preventDefault();
      event.stopPropagation();
      link.open();
    } else if (event.key === "F10" && event.altKey) {
      event.preventDefault();
      buttons.find((button) => button.tabIndex === 0)?.focus();
    }
  });
}

function moveByArrows(bar, buttons) {
  buttons.forEach((button, position) => (button.tabIndex = position ? -1 : 0));
  bar.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const isReversed = getComputedStyle(bar).direction === "rtl";
    const steps = { ArrowRight: isReversed ? -1 : 1, ArrowLeft: isReversed ? 1 : -1, Home: -at, End: buttons.length - 1 - at };
    if (at < 0 || !(event.key in steps)) return;
    event.preventDefault();
    const next = buttons[(at + steps[event.key] + buttons.length) % buttons.length];
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  });
}

function linkPanel(form, { squire, root }) {
  const panel = form.querySelector("[data-link-panel]");
  const field = panel.querySelector("input");
  let range = null;
  const close = () => {
    panel.hidden = true;
    if (range) squire.setSelection(range);
    squire.focus();
  };
  const apply = () => {
    const target = withScheme(field.value.trim());
    close();
    if (target) squire.makeLink(target);
  };
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Enter") apply();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  panel.querySelector("[data-link-set]").addEventListener("click", apply);
  panel.querySelector("[data-link-remove]").addEventListener("click", () => (close(), squire.removeLink()));
  return {
    open() {
      range = squire.getSelection().cloneRange();
      const anchor = range.startContainer.parentElement?.closest("a");
      field.value = root.contains(anchor) ? anchor.getAttribute("href") : "";
      panel.querySelector("[data-link-remove]").hidden = !root.contains(anchor);
      panel.hidden = false;
      field.focus();
      field.select();
    },
  };
}

function withScheme(typed) {
  if (!typed || OWN_PICTURE.test(typed)) return "";
  if (/^(?:https?:\/\/|mailto:|tel:)/i.test(typed)) return typed;
  if (/^[a-z][a-z\d+.-]*:/i.test(typed)) return "";
  return /^[^\s/]+@[^\s/]+$/.test(typed) ? `mailto:${typed}` : `https://${typed}`;
}
