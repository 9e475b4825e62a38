// Earlier and new mail come into the conversation without moving what is read. Without this both are links to a page.
const conversation = () => document.getElementById("conversation");

/** Where the conversation scrolls: its pane, on a page of its own the document. */
function scroller(part) {
  for (let each = part; each; each = each.parentElement) {
    if (each.scrollHeight > each.clientHeight && /auto|scroll/.test(getComputedStyle(each).overflowY)) return each;
  }
  return document.scrollingElement;
}

// Earlier mail ----------------------------------------------------------------------------------------------------
// What stands below the link keeps its place: its distance from the end is the same before and after.
let fromEnd = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.detail.target?.matches?.("[data-earlier]")) return;
  const box = scroller(event.detail.target);
  fromEnd = { box, distance: box.scrollHeight - box.scrollTop, next: event.detail.target.nextElementSibling };
});

document.addEventListener("htmx:afterSettle", () => {
  if (!fromEnd) return;
  const { box, distance, next } = fromEnd;
  fromEnd = null;
  box.scrollTop = box.scrollHeight - distance;
  // The link is gone; the focus stays near: at the way to still earlier mail, else at the newest of what came.
  const link = box.querySelector("[data-earlier] a");
  const near = link ?? next?.previousElementSibling?.querySelector("summary");
  near?.focus({ preventScroll: true });
});

// New mail --------------------------------------------------------------------------------------------------------
let lastBefore = null;

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.closest?.("[data-new-mail]")) lastBefore = document.querySelector("#timeline")?.lastElementChild;
});

document.addEventListener("htmx:afterRequest", (event) => {
  const link = event.target.closest?.("[data-new-mail]");
  if (!link || !event.detail.successful) return;
  const newest = link.dataset.newMail;
  const lines = document.getElementById("live-changes");
  if (lines && link.dataset.newLines) lines.value = link.dataset.newLines;
  // What is seen now may be answered: the composer and the next look count from here.
  for (const field of document.querySelectorAll("#conversation [name=last_seen], #live-seen")) field.value = newest;
  const first = document.querySelector("#timeline")?.contains(lastBefore) ? lastBefore.nextElementSibling : document.getElementById(`message-${newest}`);
  const line = link.closest(".new-mail");
  line.remove();
  if (!first) return;
  first.classList.add("is-new");
  first.scrollIntoView({ block: "nearest" });
  const place = first.querySelector("summary") ?? first;
  if (place === first) first.tabIndex = -1;
  place.focus({ preventScroll: true });
});

// A long conversation opens at its newest mail --------------------------------------------------------------------
function atNewest(event) {
  if (event.detail?.pane !== "conversation" || location.hash || location.search) return;
  const box = conversation();
  const newest = box?.querySelector(".timeline > .newest");
  if (!newest || box.scrollTop || box.scrollHeight <= box.clientHeight) return;
  const head = box.querySelector(".case-top");
  const covered = head && getComputedStyle(head).position === "sticky" ? head.offsetHeight : 0;
  const end = box.querySelector(".answer") ?? newest;
  const top = box.getBoundingClientRect().top;
  // The newest mail from its first line on, and above it as much as there is room for.
  const first = newest.getBoundingClientRect().top - top - covered - 8;
  const last = end.getBoundingClientRect().bottom - top - box.clientHeight + 8;
  box.scrollTop = Math.max(0, Math.min(first, last));
}

document.addEventListener("pane:swapped", atNewest);

// On paper nothing is folded --------------------------------------------------------------------------------------
let opened = [];

addEventListener("beforeprint", () => {
  opened = [...document.querySelectorAll("#conversation details.mail:not([open])")];
  for (const mail of opened) mail.open = true;
});
addEventListener("afterprint", () => {
  for (const mail of opened) mail.open = false;
  opened = [];
});
