// Properties edited in place: focus goes where the eye is, Escape cancels.
import { find, on } from "./dom";

document.addEventListener("htmx:afterSettle", (event) => {
  const place = (event as CustomEvent<{ elt: HTMLElement }>).detail.elt;
  if (!place.matches?.(".property")) return;
  const control = find("form :is(input:not([type=hidden]), select, textarea)", place);
  (control ?? find("[data-edit]", place))?.focus();
});

on("keydown", "form[data-inline]", (event, form) => {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  find("[data-cancel]", form)?.click();
});

// A choice is a decision: no second click on Save.
on("change", "form[data-inline] select:not([multiple])", (_event, select) => {
  (select as HTMLSelectElement).form?.requestSubmit();
});
