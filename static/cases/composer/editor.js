// The rich text field: Squire in place of the textarea, which stays in the form and is kept in step.
import Squire from "../../vendor/squire/squire.mjs";
import { cleanFragment, outgoingHtml, picturesInData, plainText, textToHtml } from "./clean.js";
import { marksOfRichText } from "./marks.js";

const KEEP_IN_STEP_AFTER = 300; // milliseconds without a key
const LONG = 100_000; // characters of HTML from which on fewer steps back are remembered

/**
 * `onChange` is called when the text was changed by whoever writes; `onFiles(files, {inline})` with what was pasted or
 * dropped. The result has the words as `html()` and `text()`.
 */
export function openEditor(form, { onChange, onFiles }) {
  const textarea = form.elements.text;
  const root = document.createElement("div");
  root.className = "editor";
  root.dir = "auto";
  root.spellcheck = true;
  for (const [name, value] of Object.entries({ role: "textbox", "aria-multiline": "true" })) root.setAttribute(name, value);
  takeLabel(form, textarea, root);
  textarea.before(root);
  textarea.hidden = true;

  const squire = new Squire(root, {
    sanitizeToDOMFragment: cleanFragment,
    undo: { documentSizeThreshold: LONG, undoLimit: 12 },
    tagAttributes: { blockquote: { type: "cite" } },
    didError: (error) => console.error(error),
  });
  const html = hiddenField(form, "html");
  squire.setHTML(form.querySelector("[data-initial-html]")?.value.trim() || textToHtml(textarea.value));
  squire.moveCursorToStart();

  let timer = 0;
  const keepInStep = () => {
    clearTimeout(timer);
    timer = 0;
    textarea.value = plainText(root);
    html.value = textarea.value || root.querySelector("img") ? outgoingHtml(squire.getHTML()) : "";
  };
  const marks = marksOfRichText(root, { select: (range) => squire.setSelection(range) });
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(keepInStep, KEEP_IN_STEP_AFTER);
    root.classList.toggle("is-empty", isEmpty());
    marks.show();
    onChange();
  };
  const isEmpty = () => !root.firstElementChild?.nextElementSibling && !root.textContent.trim() && !root.querySelector("img, li");
  squire.addEventListener("input", changed);
  root.classList.toggle("is-empty", isEmpty());
  marks.show();
  takeFiles(root, squire, onFiles);
  stayOnOnePicture(root);

  return {
    root,
    squire,
    marks,
    isEmpty,
    keepInStep,
    focus: () => squire.focus(),
    destroy: () => squire.destroy(),
    insertTemplate(filled) {
      const content = filled.html || textToHtml(filled.text);
      if (!isEmpty()) return squire.focus().insertHTML(content);
      squire.saveUndoState();
      squire.setHTML(content);
      changed();
    },
    insertText(text) {
      if (text.includes("\n")) squire.focus().insertHTML(textToHtml(text));
      else squire.insertPlainText(text, false);
      squire.focus();
    },
    insertPicture: (url, name) => insertPicture(squire, url, name),
    textBeforeCursor: () => textBeforeCursor(root),
    removeBeforeCursor: (length) => removeBeforeCursor(squire, length),
    cursor: () => (getSelection().rangeCount ? getSelection().getRangeAt(0).getBoundingClientRect() : null),
  };
}

function takeLabel(form, textarea, root) {
  const label = form.querySelector(`label[for="${textarea.id}"]`);
  if (!label) return;
  // One field, one label: the textarea behind the editor is no field for people any more.
  label.removeAttribute("for");
  label.id ||= `${textarea.id}_label`;
  root.setAttribute("aria-labelledby", label.id);
  const described = textarea.getAttribute("aria-describedby");
  if (described) root.setAttribute("aria-describedby", described);
  if (textarea.getAttribute("aria-invalid")) root.setAttribute("aria-invalid", "true");
}

function hiddenField(form, name) {
  if (form.elements[name]) return form.elements[name];
  const field = Object.assign(document.createElement("input"), { type: "hidden", name });
  form.append(field);
  return field;
}

function takeFiles(root, squire, onFiles) {
  // Before Squire's own listener: it reads only text, and for what is neither HTML nor plain text alone it makes a field with
  // a style attribute, which our policy forbids.
  root.addEventListener(
    "paste",
    (event) => {
      const clipboard = event.clipboardData;
      const pictures = [...(clipboard?.files ?? [])].filter((file) => file.type.startsWith("image/"));
      const html = clipboard?.getData("text/html") ?? "";
      const others = [...(clipboard?.files ?? [])].filter((file) => !file.type.startsWith("image/"));
      // A spreadsheet or a word processor puts a picture of the text beside the text: the text is meant.
      const isText = clipboard?.getData("text/plain").trim() && html;
      if (clipboard?.files.length && !isText) {
        event.preventDefault();
        event.stopImmediatePropagation();
        if (pictures.length) onFiles(pictures, { inline: true });
        if (others.length) onFiles(others, { inline: false });
      } else if (html.includes("data:image/")) {
        const inData = picturesInData(html);
        if (inData.length) setTimeout(() => onFiles(inData, { inline: true }));
      } else if (!html && (clipboard?.types.includes("text/rtf") || !clipboard?.types.includes("text/plain"))) {
        event.preventDefault();
        event.stopImmediatePropagation();
        const text = clipboard?.getData("text/plain") || clipboard?.getData("text/uri-list") || "";
        if (text) squire.insertPlainText(text, true);
      }
    },
    true,
  );
}

// Squire draws handles around a picture that is clicked, with style attributes, which our policy forbids.
function stayOnOnePicture(root) {
  root.addEventListener("click", (event) => {
    if (event.target.nodeName !== "IMG") return;
    event.stopPropagation();
    getSelection().selectAllChildren(event.target.parentNode);
    const range = document.createRange();
    range.selectNode(event.target);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
  });
}

const WIDEST_PICTURE = 640; // pixels; wider ones make customers scroll

function insertPicture(squire, url, name) {
  const image = squire.insertImage(url, { alt: name });
  image.addEventListener("load", () => {
    if (image.naturalWidth) image.setAttribute("width", Math.min(image.naturalWidth, WIDEST_PICTURE));
  }, { once: true });
  return image;
}

function textBeforeCursor(root) {
  const selection = getSelection();
  if (!selection.isCollapsed || !root.contains(selection.anchorNode) || selection.anchorNode.nodeType !== Node.TEXT_NODE) return "";
  return selection.anchorNode.data.slice(Math.max(0, selection.anchorOffset - 60), selection.anchorOffset).replace(/\u200b/g, "");
}

function removeBeforeCursor(squire, length) {
  const range = squire.getSelection();
  const { startContainer, startOffset } = range;
  if (startContainer.nodeType !== Node.TEXT_NODE || startOffset < length) return;
  range.setStart(startContainer, startOffset - length);
  squire.saveUndoState(range);
  range.deleteContents();
  squire.setSelection(range);
}
