// The button says what it does, the line under From why that address may be used, and the one above the button that
// somebody has to approve what leaves from it.
export function followButton(form, words, { recipients, later }) {
  const button = form.querySelector("button.primary");
  const closing = form.querySelector("[data-closes]");
  const because = form.querySelector("[data-because]");
  const approval = form.querySelector("[data-approval]");
  const say = () => {
    const sender = form.elements.send_from;
    if (!button || !sender?.selectedOptions) return;
    const reason = form.querySelector(`[data-sender="${CSS.escape(sender.value)}"]`);
    const approvedBecause = reason?.dataset.approvalBecause ?? "";
    const chosen = sender.selectedOptions[0]?.textContent ?? "";
    const name = chosen.slice(0, chosen.lastIndexOf(" <")).trim() || chosen;
    const does = labelFor(recipients.count(), Boolean(approvedBecause)).replace("%s", () => name);
    const when = later()?.inWords();
    button.textContent = when ? words("at", does, when) : does;
    if (closing) {
      const closes = closing.dataset[approvedBecause ? "approvalLabel" : "label"];
      closing.textContent = when ? words("at", closes, when) : closes;
    }
    if (reason && because) because.title = because.textContent = reason.textContent;
    if (approval) {
      approval.hidden = !approvedBecause;
      approval.querySelector("span").textContent = approvedBecause;
    }
  };
  const labelFor = (count, isApproved) => {
    const how = count === 0 ? "None" : count === 1 ? "One" : "Many";
    return button.dataset[`${isApproved ? "approval" : "label"}${how}`].replace("%d", count);
  };
  form.addEventListener("input", say);
  form.addEventListener("change", say);
  return { say };
}
