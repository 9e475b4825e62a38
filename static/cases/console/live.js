// Counts and the parts of others that poll (hx-trigger="every ..."): not while nobody looks, at once when somebody does.
import { toast } from "./announce.js";
import { isLogin, meetLogin } from "./logged_out.js";
import { refreshViews } from "./panes.js";
import { word } from "./words.js";

const polls = (element) => element.getAttribute?.("hx-trigger")?.includes("every ");

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && polls(event.detail.elt)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.body.dispatchEvent(new CustomEvent("look-again"));
});
document.addEventListener("cases-changed", () => document.body.dispatchEvent(new CustomEvent("look-again")));
// A number without its place: there is a view or a queue more than this pane knows of.
document.addEventListener("htmx:oobErrorNoTarget", (event) => {
  if (event.detail.content.id?.startsWith("count-")) refreshViews();
});
// Someone who was logged out in another tab meets the login, not a page that looks alive.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!isLogin(event.detail.xhr.responseURL)) return;
  event.detail.shouldSwap = false;
  meetLogin();
});
// What a rep did and what did not arrive is told; a look of the page itself that failed is only tried again.
function tellFailure(event, name) {
  const { elt, requestConfig } = event.detail;
  if (!polls(elt) && requestConfig?.triggeringEvent?.type !== "load") toast({ words: word(name), kind: "error" });
}
document.addEventListener("htmx:sendError", (event) => tellFailure(event, "unclear"));
document.addEventListener("htmx:timeout", (event) => tellFailure(event, "unclear"));
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  // Of the others the answer says itself what is wrong.
  if (status >= 500 || status === 404) tellFailure(event, "refused");
});
