// The composer says what its button does, and a mail on its way is looked at again. Without this both still work.
const LOOK_AGAIN = 2000; // milliseconds
const LONGEST_LOOK = 120000;

function countRecipients(form) {
  const typed = ["to", "cc", "bcc"].map((name) => form.elements[name]?.value ?? "").join(",");
  return typed.replace(/"[^"]*"/g, "x").split(/[,;\n]/).filter((entry) => entry.trim()).length;
}

function follow(form) {
  const button = form.querySelector("button.primary");
  const hint = form.querySelector("[data-hint]");
  if (hint) hint.textContent = hint.dataset.hint;
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button);
  });
  if (!button) return;
  // The place that the address names takes the focus when the page has loaded: after that it is ours to give.
  if (location.hash === "#reply" && !form.querySelector(".errorlist")) {
    addEventListener("load", () => setTimeout(() => form.elements.text.focus({ preventScroll: true })));
  }
  const say = () => {
    const count = countRecipients(form);
    const chosen = form.elements.send_from.selectedOptions[0]?.textContent ?? "";
    const name = chosen.slice(0, chosen.lastIndexOf(" <")).trim();
    const words = count === 1 ? button.dataset.labelOne : button.dataset.labelMany.replace("%d", count);
    button.textContent = words.replace("%s", () => name);
    const because = form.querySelector(`[data-sender="${form.elements.send_from.value}"]`);
    if (because) form.querySelector("[data-because]").textContent = because.textContent;
  };
  form.addEventListener("input", say);
  say();
}

function countDown() {
  for (const place of document.querySelectorAll("[data-leaves-at]")) {
    const seconds = Math.ceil((new Date(place.dataset.leavesAt) - Date.now()) / 1000);
    place.textContent = seconds > 0 ? `${seconds} s` : "";
  }
}

async function lookAgain(until) {
  const waiting = [...document.querySelectorAll(".sending[data-waits]")];
  if (!waiting.length || Date.now() > until) return;
  try {
    const address = new URL(location.href);
    address.hash = "";
    for (const name of ["reply", "all", "draft"]) address.searchParams.delete(name);
    const answer = await fetch(address.pathname.endsWith("/reply/") ? "../" : address, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of waiting) {
      const fresh = page.querySelector(`#${old.closest("li").id} .sending`);
      if (answer.ok && fresh && fresh.dataset.key !== old.dataset.key) old.replaceWith(document.importNode(fresh, true));
    }
  } catch {
    // No connection: what stands there stays true until the next look.
  }
  setTimeout(lookAgain, LOOK_AGAIN, until);
}

for (const form of document.querySelectorAll("form[data-composer]")) follow(form);
if (document.querySelector(".sending[data-waits]")) {
  countDown();
  setInterval(countDown, 1000);
  setTimeout(lookAgain, LOOK_AGAIN, Date.now() + LONGEST_LOOK);
}
