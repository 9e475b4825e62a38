// The textarea where mail is sent without formatting: the same words for templates and quick texts as the rich text has.
import { marksOfTextarea } from "./marks.js";

export function openPlainText(form, { onChange }) {
  const textarea = form.elements.text;
  const put = (text) => {
    textarea.setRangeText(text, textarea.selectionStart, textarea.selectionEnd, "end");
    onChange();
  };
  return {
    root: textarea,
    marks: marksOfTextarea(textarea),
    isEmpty: () => !textarea.value.trim(),
    keepInStep() {},
    focus: () => textarea.focus(),
    destroy() {},
    insertTemplate({ text }) {
      if (!textarea.value.trim()) textarea.select();
      put(text);
    },
    insertText: put,
    textBeforeCursor: () =>
      textarea.selectionStart === textarea.selectionEnd ? textarea.value.slice(Math.max(0, textarea.selectionStart - 60), textarea.selectionStart) : "",
    removeBeforeCursor(length) {
      textarea.setRangeText("", textarea.selectionStart - length, textarea.selectionStart, "end");
    },
    cursor: () => null, // a textarea does not tell where its cursor stands
  };
}
