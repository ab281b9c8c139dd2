// Small services of a page.
import { all, find, on, message } from "./dom";
import { toast } from "./toasts";

const TAB_MARGIN = 48; // enough to see that another one follows

on("click", "[data-print]", () => window.print());
on("click", "[data-back]", () => history.back());
on("click", "[data-copy]", (_event, button) => {
  void navigator.clipboard.writeText(button.dataset.copy!).then(() => toast(message("copied")));
});

// What a list cuts off, the pointer tells.
on("pointerover", ".records td", (_event, cell) => {
  const parts = [cell, ...cell.querySelectorAll(".person-name, .col-title > a")];
  const cut = parts.some((part) => part.scrollWidth > part.clientWidth || part.scrollHeight > part.clientHeight);
  if (cut) cell.title = (find(".person-name", cell) ?? cell).textContent.trim();
  else cell.removeAttribute("title");
});

// The tab that counts is in sight, also where there are more tabs than room; lists and their tabs are exchanged by themselves.
function showTabs(): void {
  for (const tab of all(".tabs [aria-current]")) {
    const list = tab.closest(".tabs")!;
    const [inner, outer] = [tab.getBoundingClientRect(), list.getBoundingClientRect()];
    if (inner.right > outer.right) list.scrollLeft += inner.right - outer.right + TAB_MARGIN;
  }
}
showTabs();
document.addEventListener("htmx:afterSettle", showTabs);

// Errors are the first thing to hear about after a form came back.
find("[data-focus]:not(.specimen *)")?.focus();

// The navigation on narrow screens opens by its address (#sidebar); Escape and a click beside it close it.
function closeSidebar(): void {
  if (location.hash === "#sidebar") location.hash = "";
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeSidebar();
});
document.addEventListener("click", (event) => {
  if (location.hash === "#sidebar" && !(event.target as Element).closest("#sidebar, [href='#sidebar']")) closeSidebar();
});
window.addEventListener("hashchange", () => {
  if (location.hash === "#sidebar") find("#sidebar a.nav-item")?.focus();
});

// Charts are a heavy chunk that most pages do without.
if (find("[data-chart]")) void import("./charts").then(({ drawAll }) => drawAll());
