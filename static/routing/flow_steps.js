// A step shows the fields that its target reads; the server clears the others.
document.addEventListener("DOMContentLoaded", () => {
  const DEPENDENT = ["queue", "user", "skills", "method", "overflow_queue"];

  const follow = (target) => {
    const wanted = JSON.parse(target.dataset.fieldsOfTarget);
    const row = target.closest(".form-group");
    const show = () => {
      for (const name of DEPENDENT) {
        row.querySelector(`.field-${name}`)?.toggleAttribute("hidden", !wanted[target.value]?.includes(name));
      }
    };
    target.addEventListener("change", show);
    show();
  };

  const build = (root) => root.querySelectorAll("select[data-fields-of-target]").forEach((target) => {
    if (!target.name.includes("__prefix__")) follow(target);
  });
  build(document);
  document.addEventListener("formset:added", (event) => build(event.target));
});
