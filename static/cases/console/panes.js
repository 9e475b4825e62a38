// A link fills a pane instead of the page. The address, the title, the focus and the way back are kept as if it were a
// page; a reload gives the same. Without this every link is an ordinary one.
import { announce, toast } from "./announce.js";
import { caseOf, consoleElement, paneOf, withoutHash } from "./addresses.js";
import { keepTyped } from "./keep_typed.js";
import { ask, askAhead, Failed, forgetAhead, takeAhead } from "./requests.js";
import { copyOf, word } from "./words.js";

const SKELETON_AFTER = 250; // milliseconds; what is there stays until then, so that a quick answer does not flicker
const HOVER = 65;
const NOT_OURS = "[target], [download], [data-whole-page], [hx-get], [hx-post], [hx-boost]";
const LAST_LIST = "console.list";
const running = new Map();
let hovering = 0;

const element = (pane) => document.getElementById(pane);
const activePane = () => consoleElement.dataset.pane;
/** Whether a pane can be seen beside the others, or is the only one on a narrow screen. */
export const isShown = (pane) => element(pane).checkVisibility();

// What stands where -----------------------------------------------------------------------------------------------
function show(pane) {
  consoleElement.dataset.pane = pane;
  const back = document.querySelector(".back");
  back.hidden = pane === "views";
  back.href = pane === "conversation" ? element("list").dataset.url ?? consoleElement.dataset.root : `${consoleElement.dataset.root}views/`;
  // Where the list stands beside the conversation, the way back is to the views beside that list.
  back.firstElementChild.textContent = pane === "conversation" && !isShown("list") ? back.dataset.toList : back.dataset.toViews;
}

/** The open case in the list and the list's view among the views, for eye and ear. */
export function markCurrent() {
  const open = activePane() === "conversation" ? caseOf(location.href) : null;
  for (const link of element("list").querySelectorAll(`a[href^="${consoleElement.dataset.root}"]`)) {
    mark(link, open !== null && caseOf(link.href) === open && paneOf(link.href) === "conversation" ? "page" : null);
  }
  const list = element("list").querySelector("[data-url]")?.dataset.url ?? element("list").dataset.url ?? "";
  for (const link of element("views").querySelectorAll("a")) {
    mark(link, withoutHash(link.href) === list ? "page" : null);
  }
}

function mark(link, value) {
  if (link.getAttribute("aria-current") === value) return;
  if (value) link.setAttribute("aria-current", value);
  else link.removeAttribute("aria-current");
}

function fill(pane, text, { url, isNavigation }) {
  const target = element(pane);
  clearTimeout(Number(target.dataset.skeleton));
  target.removeAttribute("aria-busy");
  htmx.swap(target, text, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0, ignoreTitle: !isNavigation });
  target.dataset.url = withoutHash(url);
  target.dataset.title = isNavigation ? document.title : titleOf(text);
  if (pane === "list") sessionStorage.setItem(LAST_LIST, target.dataset.url);
}

/** The title that a fragment begins with, for when its pane becomes the one that the address names. */
function titleOf(text) {
  const end = text.indexOf("</title>");
  return end < 0 ? "" : new DOMParser().parseFromString(text.slice(0, end), "text/html").title;
}

function tellSwapped(pane, url) {
  element(pane).dispatchEvent(new CustomEvent("pane:swapped", { bubbles: true, detail: { pane, url: String(url) } }));
}

function startWaiting(pane, isOther) {
  const target = element(pane);
  clearTimeout(Number(target.dataset.skeleton));
  target.setAttribute("aria-busy", "true");
  if (!isOther) return;
  target.dataset.skeleton = setTimeout(() => target.replaceChildren(copyOf("pane-loading")), SKELETON_AFTER);
}

function showFailure(pane, why, retry) {
  const target = element(pane);
  clearTimeout(Number(target.dataset.skeleton));
  target.removeAttribute("aria-busy");
  const note = copyOf("pane-failed");
  for (const sentence of note.querySelectorAll("[data-when]")) if (sentence.dataset.when !== why) sentence.remove();
  note.querySelector("[data-retry]").addEventListener("click", retry);
  target.replaceChildren(note);
  delete target.dataset.url;
}

// Going there -----------------------------------------------------------------------------------------------------
/** Opens an address of the console in its pane. `push` makes a step of the history, `focus` moves the focus there. */
export async function open(address, { push = true, focus = true, scroll = null } = {}) {
  const url = new URL(address, location.href);
  const pane = paneOf(url);
  if (!pane) return location.assign(url);
  const target = element(pane);
  if (!target.dispatchEvent(new CustomEvent("pane:leaving", { bubbles: true, cancelable: true, detail: { url: String(url) } }))) return;
  // The way back to a list or to the views that are still there costs nothing and keeps their place.
  if (target.dataset.url === withoutHash(url) && (pane === "views" || (pane === "list" && activePane() !== "list"))) {
    arrive(pane, url, { push, focus });
    return;
  }
  clearTimeout(hovering);
  running.get(pane)?.abort();
  const stop = new AbortController();
  running.set(pane, stop);
  if (!isShown(pane)) show(pane);
  startWaiting(pane, target.dataset.url !== withoutHash(url));
  if (pane === "conversation") markOpening(url);
  try {
    const answer = await (takeAhead(withoutHash(url)) ?? ask(withoutHash(url), { pane, signal: stop.signal }));
    if (stop.signal.aborted) return;
    if (!answer.pane) return location.assign(url);
    const end = new URL(answer.url);
    end.hash = url.hash;
    arrive(answer.pane, end, { push, focus, scroll, text: answer.text });
  } catch (failure) {
    if (stop.signal.aborted) return;
    if (!(failure instanceof Failed)) throw failure;
    showFailure(pane, failure.why, () => open(address, { push: false, focus }));
    arrive(pane, url, { push, focus: false });
  }
}

function markOpening(url) {
  for (const link of element("list").querySelectorAll("a[aria-current]")) link.removeAttribute("aria-current");
  for (const link of element("list").querySelectorAll("a")) if (caseOf(link.href) === caseOf(url)) mark(link, "page");
}

/** What was opened is read, as the server notes it; the list itself asks anew only when something changed. */
function markRead(url) {
  for (const link of element("list").querySelectorAll(".is-unread a")) {
    if (caseOf(link.href) !== caseOf(url)) continue;
    link.closest(".is-unread").classList.remove("is-unread");
    for (const mark of link.querySelectorAll(".unread-dot, .unread-dot + .said")) mark.remove();
  }
}

/** The one place that changes address, pane and focus. `text` is new content; null leaves what stands there. */
function arrive(pane, url, { push, focus, scroll = null, text = null }) {
  const from = caseOf(element("conversation").dataset.url ?? location.href);
  if (push) step(url);
  if (text !== null) fill(pane, text, { url, isNavigation: true });
  else if (element(pane).dataset.title) document.title = element(pane).dataset.title;
  show(pane);
  if (pane !== "conversation") clearConversation();
  markCurrent();
  if (pane === "conversation" && text !== null) markRead(url);
  const target = element(pane);
  if (text !== null) {
    target.scrollTop = scroll ?? 0;
    const place = url.hash && target.querySelector(`[id="${CSS.escape(decodeURIComponent(url.hash.slice(1)))}"]`);
    if (place && scroll === null) place.scrollIntoView({ block: "start" });
    tellSwapped(pane, url);
  }
  if (focus) focusIn(pane, from);
  announce(document.title);
}

/** A step of the history. Before the pane is filled: parts of it look at the address. */
function step(url) {
  history.replaceState({ ...history.state, scroll: element(activePane()).scrollTop }, "");
  if (String(url) === location.href) history.replaceState({}, "", url);
  else history.pushState({}, "", url);
}

/** On a case its subject, on a list the row that one comes from, else the pane itself. */
function focusIn(pane, from) {
  const target = element(pane);
  if (target.contains(document.activeElement) && document.activeElement !== target) return; // a part took it already
  const row = pane === "list" && from !== null
    ? [...target.querySelectorAll("a")].find((link) => caseOf(link.href) === from && paneOf(link.href) === "conversation") : null;
  const heading = target.querySelector("h1");
  if (heading && !heading.hasAttribute("tabindex")) heading.tabIndex = -1;
  (row ?? heading ?? target).focus({ preventScroll: !row });
}

function clearConversation() {
  const target = element("conversation");
  running.get("conversation")?.abort();
  if (!target.dataset.url && !target.querySelector("[data-retry]")) return;
  target.replaceChildren(copyOf("pane-without-case"));
  delete target.dataset.url;
  element("panel").replaceChildren();
  delete element("panel").dataset.load;
  tellSwapped("conversation", location.href);
}

// Beside the way --------------------------------------------------------------------------------------------------
/** Fills a pane that the address does not name. It moves neither the focus nor the title. */
async function load(target) {
  const address = target.dataset.load;
  target.setAttribute("aria-busy", "true");
  try {
    const answer = await ask(address, { pane: target.id });
    if (target.dataset.load !== address || !target.isConnected) return;
    fill(target.id, answer.text, { url: address, isNavigation: false });
    markCurrent();
    target.querySelector("a[aria-current]")?.scrollIntoView({ block: "nearest" });
    tellSwapped(target.id, address);
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    showFailure(target.id, failure.why, () => load(target));
  }
}

/** Asks for a pane again without anybody noticing but by what changed. */
async function refresh(pane) {
  const target = element(pane);
  const address = target.dataset.url;
  if (!address) return;
  try {
    const answer = await ask(address, { pane });
    if (target.dataset.url !== address || answer.pane !== pane) return;
    const scroll = target.scrollTop;
    const checked = new Set([...target.querySelectorAll("input:checked")].map((input) => input.name + input.value));
    const putBack = keepTyped(target);
    fill(pane, answer.text, { url: address, isNavigation: false });
    putBack(target);
    target.scrollTop = scroll;
    for (const input of target.querySelectorAll("input[type=checkbox]")) input.checked = checked.has(input.name + input.value);
    markCurrent();
    tellSwapped(pane, address);
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure; // what stands there was true; the next look may be luckier
  }
}

export const refreshList = () => refresh("list");
/** After a view was made, renamed or deleted. */
export const refreshViews = () => refresh("views");

async function send(form, submitter) {
  const body = new FormData(form, submitter);
  const isGet = form.method === "get";
  // The attributes: a button without one calls the page its formAction, and a button named "action" hides the form's.
  const url = new URL(submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? "", location.href);
  if (isGet) {
    url.search = new URLSearchParams([...body].filter(([, value]) => value !== "" && typeof value === "string"));
    return open(url, { focus: !form.contains(document.activeElement) });
  }
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  forgetAhead();
  const place = form.closest(".pane") ?? element("conversation");
  const scroll = place.scrollTop;
  try {
    const answer = await ask(url, { method: "POST", body });
    if (!answer.pane) return location.assign(answer.url);
    const stays = answer.status < 400 ? answer.url : location.href;
    const isSame = answer.pane === place.id && caseOf(stays) === caseOf(location.href);
    arrive(answer.pane, new URL(stays), { push: true, focus: true, scroll: isSame ? scroll : null, text: answer.text });
    if (form.dataset.changes === "views") refreshViews();
    else document.dispatchEvent(new CustomEvent("cases-changed"));
  } catch (failure) {
    if (!(failure instanceof Failed)) throw failure;
    if (failure.why !== "login") toast({ words: word(["network", "timeout"].includes(failure.why) ? "unclear" : "refused"), kind: "error" });
  } finally {
    form.removeAttribute("aria-busy");
  }
}

// Listening -------------------------------------------------------------------------------------------------------
function paneLink(event) {
  const link = event.target.closest?.("a[href]");
  return link && !link.matches(NOT_OURS) && paneOf(link.href) && !opensComposer(link.href) ? link : null;
}

// A composer as a whole page comes back with its own key when the reader goes back to it: what was sent stays one mail.
function opensComposer(address) {
  const asked = new URL(address, location.href).searchParams;
  return ["reply", "all", "draft"].some((name) => asked.has(name));
}

function onClick(event) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = paneLink(event);
  if (!link) return;
  const isHere = withoutHash(link.href) === withoutHash(location.href);
  if (isHere && new URL(link.href).hash) return; // a place on this page
  event.preventDefault();
  open(link.href);
}

function onPointerOver(event) {
  clearTimeout(hovering);
  const link = paneLink(event);
  if (!link || event.buttons || event.pointerType === "touch" || !element("list").contains(link)) return;
  hovering = setTimeout(() => lookAhead(link), HOVER);
}

/** Fetches a case of the list before it is asked for. */
export function lookAhead(link) {
  const address = withoutHash(link.href);
  if (paneOf(link.href) === "conversation" && element("conversation").dataset.url !== address) askAhead(address, "conversation");
}

export function start() {
  const pane = activePane();
  element(pane).dataset.url = withoutHash(location.href);
  element(pane).dataset.title = document.title;
  if (pane === "list") sessionStorage.setItem(LAST_LIST, element("list").dataset.url);
  const last = sessionStorage.getItem(LAST_LIST);
  if (pane !== "list" && last && paneOf(last) === "list") element("list").dataset.load = last;
  show(pane);
  markCurrent();
  document.addEventListener("click", onClick);
  document.addEventListener("pointerover", onPointerOver);
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.hasAttribute("data-pane-form")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
  document.addEventListener("cases-changed", () => { forgetAhead(); refreshList(); });
  addEventListener("popstate", (event) => {
    if (withoutHash(location.href) === element(activePane()).dataset.url) return; // a place on this page
    open(location.href, { push: false, scroll: event.state?.scroll ?? null });
  });
  htmx.onLoad((added) => {
    for (const waits of [added, ...added.querySelectorAll("[data-load]")]) {
      if (waits.dataset?.load && !waits.dataset.url && !waits.hasAttribute("aria-busy")) load(waits);
    }
  });
  for (const waits of document.querySelectorAll("[data-load]")) load(waits);
  tellSwapped(pane, location.href);
}
