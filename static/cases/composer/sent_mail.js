// A mail on its way is looked at again, and counts down while it can be taken back. Without this it still leaves.
const LOOK_AGAIN = 2000; // milliseconds
const LONGEST_LOOK = 120_000;
let isLooking = false;

export function watchSentMail() {
  for (const field of document.querySelectorAll("input[data-zone]")) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (isLooking || !document.querySelector(".sending[data-waits]")) return;
  isLooking = true;
  const clock = setInterval(countDown, 1000);
  countDown();
  lookAgain(Date.now() + LONGEST_LOOK).finally(() => {
    clearInterval(clock);
    isLooking = false;
  });
}

function countDown() {
  for (const place of document.querySelectorAll("[data-leaves-at]")) {
    const seconds = Math.ceil((new Date(place.dataset.leavesAt) - Date.now()) / 1000);
    place.textContent = seconds > 0 ? `${seconds} s` : "";
  }
}

async function lookAgain(until) {
  while (Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
    const waiting = [...document.querySelectorAll(".sending[data-waits]")];
    if (!waiting.length) return;
    try {
      await replaceChanged(waiting);
    } catch {
      // No connection: what stands there stays true until the next look.
    }
  }
}

async function replaceChanged(waiting) {
  const address = new URL(location.href);
  address.hash = "";
  for (const name of ["reply", "all", "draft"]) address.searchParams.delete(name);
  // A composer that is a page of its own stands below its case.
  const isBelow = /\/(?:reply|compose)\/$/.test(address.pathname);
  const answer = await fetch(isBelow ? "../" : address, { credentials: "same-origin" });
  let isChanged = false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const old of waiting) {
    const item = old.closest("[id]");
    const fresh = item && page.querySelector(`#${CSS.escape(item.id)} .sending`);
    if (!answer.ok || !fresh || fresh.dataset.state === old.dataset.state) continue;
    old.replaceWith(document.importNode(fresh, true));
    isChanged = true;
  }
  if (!isChanged) return;
  // What became of the mail changes whose turn it is: the head, the panel and the row of the list say so.
  document.body.dispatchEvent(new CustomEvent("case-changed"));
  document.dispatchEvent(new CustomEvent("cases-changed"));
}
