// The composer. Each part has a module; the form works without any of them.
import { openEditor } from "./editor.js";
import { openToolbar } from "./toolbar.js";
import { followButton } from "./send.js";
import { watchSentMail } from "./sent_mail.js";

function open(form) {
  if (form.dataset.opened) return;
  form.dataset.opened = "yes";
  form.noValidate = true; // what is missing is said in words by the server, beside the field
  const button = followButton(form);
  const editor = form.dataset.rich ? openEditor(form, { onChange: button.say, onFiles: () => {} }) : null;
  if (editor) openToolbar(form, editor, { onPictures: () => {} });
  const focus = () => (editor ? editor.focus() : form.elements.text.focus({ preventScroll: true }));
  form.addEventListener("submit", () => editor?.keepInStep());
  // The place that the address names takes the focus when the page has loaded: after that it is ours to give.
  if (location.hash !== "#reply" || form.querySelector(".errorlist")) return;
  if (document.readyState === "complete") focus();
  else addEventListener("load", () => setTimeout(focus));
}

function lookAt(part) {
  for (const form of part.querySelectorAll("form[data-composer]")) open(form);
  watchSentMail();
}

lookAt(document);
document.addEventListener("htmx:load", (event) => lookAt(event.target));
