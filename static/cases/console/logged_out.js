// Who was logged out in another tab, or after a long time, meets the login and comes back to the same place. Where words
// stand on the page that are kept nowhere else, the page stays: the login opens beside it.
import { consoleElement } from "./addresses.js";
import { toast } from "./announce.js";
import { word } from "./words.js";

const { login } = consoleElement.dataset;
let told = null;

export const isLogin = (address) => new URL(address, location.href).pathname === login;

/** Returns whether the page is left. Parts with unsaved words cancel the event `page:leaving`. */
export function meetLogin() {
  if (document.dispatchEvent(new CustomEvent("page:leaving", { cancelable: true }))) {
    location.assign(`${login}?next=${encodeURIComponent(location.pathname + location.search)}`);
    return true;
  }
  if (!told?.isConnected) told = toast({ words: word("logged-out"), kind: "error", action: { words: word("log-in"), run: () => window.open(login) } });
  return false;
}
