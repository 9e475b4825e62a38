// The composer. Each part has a module; the form works without any of them.
import { followButton } from "./button.js";
import { openDiscard } from "./discard.js";
import { openDrafts } from "./drafts.js";
import { openEditor } from "./editor.js";
import { openFiles } from "./files.js";
import { openLater } from "./later.js";
import { openLayout } from "./layout.js";
import { openModes } from "./modes.js";
import { openAskedFor, openInPlace } from "./opening.js";
import { openPlainText } from "./plain_text.js";
import { openQuickTexts } from "./quick_texts.js";
import { openRecipients } from "./recipients.js";
import { openPage, openSending } from "./send.js";
import { watchSentMail } from "./sent_mail.js";
import { offerUndo } from "./sent_toast.js";
import { openTemplates } from "./templates.js";
import { openToolbar } from "./toolbar.js";
import { openWarnings } from "./warnings.js";
import { wordsOf } from "./words.js";

const composers = new Map(); // form -> its parts

function open(form, { close = null } = {}) {
  const words = wordsOf(form);
  const parts = { words, later: null, isOpenedInPlace: close !== null };
  form.noValidate = true; // what is missing is said in words by the server, beside the field
  const changed = () => {
    parts.drafts?.changed();
    parts.warnings?.changed();
    parts.button?.say();
  };
  parts.recipients = openRecipients(form, words, { onChange: changed });
  parts.button = followButton(form, words, { recipients: parts.recipients, later: () => parts.later });
  parts.editor = form.dataset.rich
    ? openEditor(form, { onChange: changed, onFiles: (files, how) => parts.files?.add(files, how) })
    : openPlainText(form, { onChange: changed });
  parts.drafts = openDrafts(form, words, { beforeSave: () => parts.editor.keepInStep(), onOther: (version) => showOther(form, parts, version), onFiles: (files) => parts.files?.show(files) });
  parts.files = openFiles(form, words, {
    drafts: parts.drafts,
    onInline: (file) => parts.editor.insertPicture(file.url, file.name),
    onChange: changed,
  });
  parts.warnings = openWarnings(form, {
    beforeAsking: () => parts.editor.keepInStep(),
    onShown: (isRisky) => showConfirm(form, isRisky),
  });
  parts.later = openLater(form, words, { onChange: changed });
  parts.sending = openSending(form, parts);
  parts.close = async () => {
    await parts.drafts.flush();
    if (parts.drafts.isBackAtStart && !parts.files?.items.length) await parts.drafts.throwAway();
    if (!close) return openPage(form.dataset.case);
    close();
    lookAt();
  };
  openDiscard(form, words, { drafts: parts.drafts, isEmpty: parts.editor.isEmpty, close: parts.close });
  openModes(form, parts);
  form.querySelector("[data-close]")?.addEventListener("click", (event) => {
    event.preventDefault();
    event.stopPropagation();
    parts.close();
  });
  openText(form, parts);
  openLayout(form);
  form.addEventListener("input", changed);
  form.addEventListener("keydown", (event) => leaveByEscape(event, form));
  parts.drafts.asOpened();
  parts.button.say();
  composers.set(form, parts);
  takeFocus(form, parts, { isAskedFor: close !== null || location.hash === "#reply" || form.elements.mode.value === "new" });
}

function openText(form, { words, editor, files, sending }) {
  if (editor.squire) openToolbar(form, editor, { onPictures: (pictures) => files?.add(pictures, { inline: true }) });
  openQuickTexts(form, editor, words);
  openTemplates(form, editor, words, { say: sending.say });
}

/** Another tab has saved something newer: two buttons, each says what is kept. */
function showOther(form, { words, drafts, sending }, version) {
  if (version === null) {
    if (form.querySelector("[data-notices] [data-other-tab]")) sending.say();
    return;
  }
  const keepThis = Object.assign(document.createElement("button"), { type: "button", textContent: words("keep-this") });
  keepThis.addEventListener("click", () => drafts.flush({ force: true }));
  const takeOther = Object.assign(document.createElement("a"), { className: "button", textContent: words("take-other") });
  takeOther.href = `${form.dataset.case}?draft=${drafts.id}#reply`;
  takeOther.addEventListener("click", () => drafts.stop());
  const choices = Object.assign(document.createElement("div"), { className: "choices" });
  choices.dataset.otherTab = "";
  choices.append(keepThis, takeOther);
  sending.say(words("other-tab"), choices);
}

function showConfirm(form, isRisky) {
  const confirms = form.querySelectorAll("[data-confirm], [data-confirm-closing]");
  // When nothing is risky any more the confirmation is gone, and the button is the only way to send.
  for (const confirm of confirms) confirm.hidden = !isRisky;
  for (const button of form.querySelectorAll("button.primary:not([data-confirm]), [data-closes]")) button.hidden = isRisky && confirms.length > 0;
}

/** Escape gives the keys back to the page; nothing that was written is lost by it. */
function leaveByEscape(event, form) {
  if (event.key !== "Escape" || event.defaultPrevented || event.isComposing) return;
  event.preventDefault();
  event.stopPropagation();
  form.closest(".composer").focus({ preventScroll: true });
}

function takeFocus(form, { editor }, { isAskedFor }) {
  // After an error the first word is that of the error.
  if (form.querySelector(".errorlist") || !isAskedFor) return;
  const focus = () => {
    const isEmptyTo = form.elements.to && !form.elements.to.value;
    if (isEmptyTo) document.getElementById(`${form.elements.to.id}_entry`)?.focus();
    else editor.focus();
    showEndOfConversation(form);
    document.activeElement.scrollIntoView({ block: "nearest" });
  };
  if (document.readyState === "complete") focus();
  else addEventListener("load", () => setTimeout(focus));
}

/** What is answered, the newest mail, ends right above the composer, which takes the bottom of the pane. */
function showEndOfConversation(form) {
  if (form.elements.mode.value === "new") return;
  (form.closest(".conversation") ?? form).scrollIntoView({ block: "end" });
}

/** A composer whose pane was swapped saves what it has and goes. */
function letGo(form, { drafts, editor, warnings }) {
  composers.delete(form);
  warnings.stop();
  drafts.flush().finally(() => {
    if (!drafts.isUnsaved) drafts.stop();
    editor.destroy();
  });
}

function lookAt() {
  for (const [form, parts] of composers) if (!form.isConnected) letGo(form, parts);
  for (const form of document.querySelectorAll("form[data-composer]")) if (!composers.has(form)) open(form);
  openAskedFor({ onOpened: (section) => open(section.querySelector("form")) });
  watchSentMail();
}

function stayWithUnsaved(event) {
  for (const { drafts, files } of composers.values()) if (drafts.isUnsaved || files?.running.size) event.preventDefault();
}
addEventListener("beforeunload", stayWithUnsaved);
document.addEventListener("page:leaving", stayWithUnsaved);
openInPlace({ onOpened: (section, { close }) => open(section.querySelector("form"), { close }) });
document.addEventListener("pane:swapped", lookAt);
lookAt();
offerUndo({ save: () => Promise.all([...composers.values()].map(({ drafts }) => drafts.flush())) });
