// The button says what it does, and the line under From why that address may be used.
export function followButton(form, words, { recipients, later }) {
  const button = form.querySelector("button.primary");
  const because = form.querySelector("[data-because]");
  const say = () => {
    const sender = form.elements.send_from;
    if (!button || !sender?.selectedOptions) return;
    const chosen = sender.selectedOptions[0]?.textContent ?? "";
    const name = chosen.slice(0, chosen.lastIndexOf(" <")).trim() || chosen;
    const count = recipients.count();
    const label = count === 1 ? button.dataset.labelOne : button.dataset.labelMany.replace("%d", count);
    const does = label.replace("%s", () => name);
    const when = later()?.inWords();
    button.textContent = when ? words("at", does, when) : does;
    const reason = form.querySelector(`[data-sender="${CSS.escape(sender.value)}"]`);
    if (reason && because) because.title = because.textContent = reason.textContent;
  };
  form.addEventListener("input", say);
  form.addEventListener("change", say);
  return { say };
}
