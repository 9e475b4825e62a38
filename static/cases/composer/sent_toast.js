// Undo stays within reach while a mail has not left: on its own case it stands on the mail, everywhere else in a toast.
import { toast } from "../console/announce.js";
import { word } from "../console/words.js";
import { ask } from "./requests.js";

const KEPT_AS = "composer.sent"; // mails of this window that can still be taken back; a whole page may be loaded meanwhile
const shown = new Map(); // address of the undo -> toast

/** `save` keeps what stands in an open composer before the page changes. */
export function offerUndo({ save }) {
  document.addEventListener("composer:sent", ({ detail }) => remember(detail.page));
  // Taken back where it stands: what was offered elsewhere is over.
  document.addEventListener("submit", ({ target }) => target.matches("form[data-undo]") && forget(target.getAttribute("action")));
  document.addEventListener("pane:swapped", () => look(save));
  look(save);
}

function waiting() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "[]").filter(({ until }) => until > Date.now());
  } catch {
    return [];
  }
}

function keep(mails) {
  try {
    sessionStorage.setItem(KEPT_AS, JSON.stringify(mails));
  } catch {
    // Without storage the way back is the case itself.
  }
}

function forget(undo) {
  keep(waiting().filter((other) => other.undo !== undo));
}

/** The page that answered shows the mail with its undo: the newest one that can be taken back is it. */
function remember(text) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const mail = [...page.querySelectorAll(".sending[data-waits]:has([data-leaves-at])")].at(-1);
  const undo = mail?.querySelector("form[data-undo]")?.getAttribute("action");
  const until = new Date(mail?.querySelector("[data-leaves-at]").dataset.leavesAt).getTime();
  const number = page.querySelector(".case-head .number")?.textContent.trim() ?? "";
  const message = mail?.closest("[id^='message-']")?.id;
  if (undo && until) keep([...waiting().filter((other) => other.undo !== undo), { undo, until, number, message }]);
}

function look(save) {
  for (const mail of waiting()) if (isSettledOnThePage(mail)) forget(mail.undo);
  const mails = waiting();
  for (const [undo, item] of shown) if (isOnThePage(undo) || !mails.some((mail) => mail.undo === undo)) hide(undo, item);
  for (const mail of mails) {
    if (isOnThePage(mail.undo) || shown.get(mail.undo)?.isConnected) continue;
    shown.set(mail.undo, toast({
      words: word("mail-leaves").replace("%s", mail.number),
      until: mail.until,
      action: { words: word("undo"), key: "z", run: () => takeBack(mail, save) },
    }));
  }
}

const isOnThePage = (undo) => Boolean(document.querySelector(`#conversation form[action="${CSS.escape(undo)}"]`));

// Its page knows better than the clock: the mail has left already, or was taken back in another window.
function isSettledOnThePage({ undo, message }) {
  return Boolean(message && document.querySelector(`#conversation #${CSS.escape(message)}`)) && !isOnThePage(undo);
}

function hide(undo, item) {
  item.remove();
  shown.delete(undo);
}

async function takeBack(mail, save) {
  shown.delete(mail.undo);
  const outcome = await ask(mail.undo, { fields: new FormData(), headers: { "HX-Request": "true", Accept: "text/html" } });
  if (outcome.kind === "offline") {
    toast({ words: word("unclear"), kind: "error" });
    return;
  }
  forget(mail.undo);
  const draft = outcome.kind === "done" && outcome.url && new URL(outcome.url).searchParams.get("draft");
  if (!draft) {
    const said = new DOMParser().parseFromString(outcome.text, "text/html").querySelector(".toast.error > span, .toast.warning > span");
    toast({ words: said?.textContent ?? word("refused"), kind: "error" });
    return;
  }
  // Mostly a wish to correct something: the text is open again.
  await save();
  location.assign(`${outcome.url}#reply`);
}
