// Reply, reply to all and forward open in their place under the conversation; the links work without this as pages.
import { ask } from "./requests.js";

/** The composer that stands at an address, as an element that is not on the page yet; null when it could not be had. */
export async function fetchComposer(address) {
  const url = new URL(address, location.href);
  // What came in since this page was made has not been seen: it must stop the answer.
  const seen = document.getElementById("live-seen")?.value;
  if (seen) url.searchParams.set("seen", seen);
  const outcome = await ask(url, { headers: { "HX-Request": "true", "HX-Target": "reply", Accept: "text/html" } });
  if (outcome.kind !== "done") return null;
  const section = new DOMParser().parseFromString(outcome.text, "text/html").querySelector("section.composer");
  return section && document.importNode(section, true);
}

export function openInPlace({ onOpened }) {
  document.addEventListener("click", async (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[data-opens-composer]");
    const place = link?.closest(".conversation")?.querySelector(".answer");
    if (!place) return;
    event.preventDefault();
    const section = await fill(place, link.href);
    if (section) onOpened(section, { close: () => section.replaceWith(place) });
  });
}

/** The composer that the address of the page asks for. It belongs to this step of the history: who comes back to it finds
 * it with its key, so that what was sent stays one mail.
 */
export async function openAskedFor({ onOpened }) {
  const place = document.querySelector(".answer[data-composer-at]");
  if (!place) return;
  const address = new URL(place.dataset.composerAt, location.href);
  delete place.dataset.composerAt;
  const { composer: key } = history.state ?? {};
  if (key) address.searchParams.set("key", key);
  const section = await fill(place, address);
  if (!section) return;
  history.replaceState({ ...history.state, composer: section.querySelector("form").elements.key.value }, "");
  onOpened(section);
}

async function fill(place, address) {
  if (place.hasAttribute("aria-busy")) return null;
  place.setAttribute("aria-busy", "true");
  const section = await fetchComposer(address);
  place.removeAttribute("aria-busy");
  if (section) place.replaceWith(section);
  // The page says what is wrong: logged out, no connection, a case that is gone.
  else location.assign(address);
  return section;
}
