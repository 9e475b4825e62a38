// The button says what it does.
export function countRecipients(form) {
  const typed = ["to", "cc", "bcc"].map((name) => form.elements[name]?.value ?? "").join(",");
  return typed.replace(/"[^"]*"/g, "x").split(/[,;\n]/).filter((entry) => entry.trim()).length;
}

export function followButton(form) {
  const button = form.querySelector("button.primary");
  const hint = form.querySelector("[data-hint]");
  if (hint) hint.textContent = hint.dataset.hint;
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button);
  });
  if (!button) return { say: () => {} };
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
  return { say };
}
