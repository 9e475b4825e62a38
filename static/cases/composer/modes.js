// Reply, reply to all, forward: another kind of mail takes other recipients; what was written stays.
import { fetchComposer } from "./opening.js";

const OF_THE_MODE = ["to", "cc", "bcc", "subject", "mode", "message"];

export function openModes(form, { editor, drafts, recipients, sending, words, button }) {
  const pane = form.closest(".composer");
  for (const link of form.querySelectorAll("[data-mode]")) {
    link.addEventListener("click", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (link.dataset.mode === form.elements.mode.value) return;
      const other = await fetchComposer(link.href);
      if (!other) return sending.say(words("mode-failed"));
      const asked = other.querySelector("form");
      // Another draft of that kind was begun before: it has words of its own, so it is opened as it is.
      if (asked.elements.draft.value && (asked.elements.text.value || asked.elements.html?.value)) return switchTo(other);
      take(asked);
      if (!drafts.id) drafts.asOpened();
      drafts.changed();
      pane.setAttribute("aria-label", other.getAttribute("aria-label"));
    });
  }

  async function switchTo(other) {
    await drafts.flush();
    drafts.stop();
    pane.replaceWith(other);
    document.dispatchEvent(new CustomEvent("pane:swapped", { detail: { pane: "conversation" } }));
  }

  function take(asked) {
    for (const name of OF_THE_MODE) if (form.elements[name] && asked.elements[name]) form.elements[name].value = asked.elements[name].value;
    recipients.read();
    for (const link of form.querySelectorAll("[data-mode]")) {
      if (link.dataset.mode === form.elements.mode.value) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    for (const part of ["[data-forwarded]", ".about-text", ".answers-join"]) {
      const [here, there] = [form.querySelector(part), asked.querySelector(part)];
      if (here && there) here.replaceWith(document.importNode(there, true));
      else if (there) form.querySelector("[data-files]").after(document.importNode(there, true));
      else here?.remove();
    }
    const [mine, theirs] = [form.querySelector("button.primary"), asked.querySelector("button.primary")];
    if (mine && theirs) for (const how of ["labelOne", "labelMany", "labelNone"]) mine.dataset[how] = theirs.dataset[how];
    form.querySelector(".less-used").open = asked.querySelector(".less-used").open;
    button.say();
    editor.focus();
  }
}
