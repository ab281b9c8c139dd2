// Dialogs: links with data-dialog load a form into one, data-confirm asks before a destructive step.
import htmx from "htmx.org";
import { find, on, message } from "./dom";

on("click", "a[data-dialog]", (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  link.closest("dialog")?.close(); // the palette has done its part
  link.closest("details.menu")?.removeAttribute("open");
  void open((link as HTMLAnchorElement).href);
});

async function open(url: string): Promise<void> {
  const dialog = find<HTMLDialogElement>("#dialog");
  if (!dialog) return;
  dialog.replaceChildren();
  await htmx.ajax("get", url, { target: dialog, swap: "innerHTML" });
  if (!dialog.hasChildNodes()) return;
  dialog.showModal();
  begin(dialog);
}

// What did not hold comes back into the dialog, with what is wrong.
document.addEventListener("htmx:afterSettle", (event) => {
  const dialog = (event as CustomEvent<{ elt: HTMLElement }>).detail.elt.closest<HTMLDialogElement>("#dialog[open]");
  if (dialog) begin(dialog);
});

/** Name the dialog after its heading, and begin at what is wrong or at the first control. */
function begin(dialog: HTMLDialogElement): void {
  const heading = dialog.querySelector("h1, h2");
  if (heading) dialog.setAttribute("aria-label", heading.textContent ?? "");
  const first = "[autofocus], input:not([type=hidden]), select, textarea, button, .btn";
  (find("[aria-invalid=true]", dialog) ?? find(first, dialog))?.focus();
}

on("click", "[data-dialog-close]", (event, button) => {
  const dialog = button.closest("dialog");
  if (!dialog) return;
  event.preventDefault();
  dialog.close();
});

// A click on the backdrop arrives as a click on the dialog itself.
document.addEventListener("click", (event) => {
  const dialog = event.target;
  if (!(dialog instanceof HTMLDialogElement)) return;
  const box = dialog.getBoundingClientRect();
  const inside =
    event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
  if (!inside) dialog.close();
});

on("click", "button[data-confirm]", (event, button) => {
  const submitter = button as HTMLButtonElement;
  if ("confirmed" in submitter.dataset || !submitter.form) return;
  event.preventDefault();
  void confirm(submitter.dataset.confirm || message("confirm"), submitter.dataset.confirmText ?? message("confirm")).then(
    (yes) => {
      if (!yes) return;
      submitter.dataset.confirmed = "";
      submitter.form?.requestSubmit(submitter);
      delete submitter.dataset.confirmed;
    },
  );
});

/** Ask in a dialog; resolves to whether the answer was yes. */
export function confirm(title: string, text: string): Promise<boolean> {
  const dialog = find<HTMLDialogElement>("#confirm");
  if (!dialog) return Promise.resolve(true);
  find("#confirm-title", dialog)!.textContent = title;
  find("#confirm-text", dialog)!.textContent = text;
  find("#confirm-yes", dialog)!.textContent = title;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
